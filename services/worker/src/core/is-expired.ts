import type { ClientId } from "@syncline/shared";
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/**
 * Tells whether an id that the ledger does not know may be one that it has forgotten: a UUIDv7 says when it was made.
 *
 * @param ledger.retentionMs - how long the ledger remembers; `undefined`: for ever
 * @param ledger.droppedToMs - the youngest that it has forgotten, under whatever retention; `null`: none
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
