import calculateSlot from "cluster-key-slot";

/** The number of slots of a Redis Cluster. */
const SLOT_COUNT = 16_384;

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

/** The slot of a key: that of the text between its first braces. */
export function slotOf(key: string): number {
  return calculateSlot(key);
}
