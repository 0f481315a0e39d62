/** The number of slots of a Redis Cluster. A key's slot is that of the text between its first braces. */
const SLOT_COUNT = 16_384;

/**
 * Reports whether lanes can be spread over a number of shards: a power of two, so that each shard has the same
 * number.
 */
export function isShardCount(count: number, laneCount: number): boolean {
  return Number.isInteger(count) && count > 0 && count <= laneCount && (count & (count - 1)) === 0;
}

/** The shard of a lane. All processes must agree: the number of shards is stored, like that of lanes. */
export function shardOf(lane: number, shardCount: number): number {
  return lane % shardCount;
}

/** The lanes of a shard. */
export function lanesOf(shard: number, counts: { lanes: number; shards: number }): number[] {
  return Array.from({ length: counts.lanes / counts.shards }, (_, n) => shard + n * counts.shards);
}

/**
 * The hash tag of each shard, contained in all its Redis keys. Masters of a cluster hold ranges of slots. Each tag
 * is therefore the first one whose slot lies in the shard's part of equal ranges, and the shards spread evenly over
 * the masters. Tags that are merely numbered do not.
 */
export function shardTags(shardCount: number): string[] {
  if (shardCount === 1) return ["{syncline}"];
  const tags = new Map<number, string>();
  for (let n = 0; tags.size < shardCount; n++) {
    const tag = `{syncline:${n}}`;
    const range = Math.floor((slotOf(tag) * shardCount) / SLOT_COUNT);
    if (!tags.has(range)) tags.set(range, tag);
  }
  return Array.from({ length: shardCount }, (_, shard) => tags.get(shard) ?? "");
}

/** A tag's slot: CRC16 (XMODEM) of the ASCII text between its braces. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const character of tag.slice(1, -1)) {
    crc ^= character.charCodeAt(0) << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc % SLOT_COUNT;
}

/** One shard's share of a process-wide total, at least 1. */
export function shareOf(total: number, shard: number, shardCount: number): number {
  return Math.max(1, Math.floor(total / shardCount) + (shard < total % shardCount ? 1 : 0));
}
