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

/** One shard's share of a process-wide total, at least 1. */
export function shareOf(total: number, shard: number, shardCount: number): number {
  return Math.max(1, Math.floor(total / shardCount) + (shard < total % shardCount ? 1 : 0));
}
