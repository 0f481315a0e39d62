import type { ClientId } from "@syncline/shared/protocol";
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/**
 * Reports whether an id that is not in the ledger may have been dropped from it, by the time in a UUIDv7.
 *
 * @param ledger.retentionMs - the ledger's retention; `undefined`: indefinite
 * @param ledger.droppedToMs - the time in the youngest UUIDv7 that was dropped, under whatever retention; `null`:
 * none
 */
export function isExpired(
  clientId: ClientId,
  acceptedAtMs: number,
  { retentionMs = Infinity, droppedToMs }: { retentionMs?: number | undefined; droppedToMs: number | null },
): boolean {
  const [, high, low] = UUID_V7.exec(clientId) ?? [];
  if (high === undefined || low === undefined) return false;
  const madeAtMs = Number.parseInt(high + low, 16);
  return madeAtMs < acceptedAtMs - retentionMs || madeAtMs <= (droppedToMs ?? -Infinity);
}
