const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/**
 * Tells whether an id that the ledger does not know may be one that it has forgotten: a UUIDv7 says when it was made.
 *
 * @param retentionMs - how long the ledger remembers; `undefined`: for ever
 */
export function isExpired(clientId: string, acceptedAtMs: number, retentionMs: number | undefined): boolean {
  if (retentionMs === undefined) return false;
  const [, high, low] = UUID_V7.exec(clientId) ?? [];
  if (high === undefined || low === undefined) return false;
  return Number.parseInt(high + low, 16) < acceptedAtMs - retentionMs;
}
