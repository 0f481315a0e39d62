import type { WorkspaceId } from "../ids/ids.ts";
/**
 * Returns the lane of a workspace. All processes must agree, indefinitely: the number of lanes is stored, and a
 * process configured with another one refuses to start.
 *
 * The hash is 32-bit FNV-1a over UTF-16 code units, finished with MurmurHash3's `fmix32`, because FNV's low bits,
 * the only ones that a power of two keeps, are its weakest.
 *
 * @param laneCount - a power of two
 * @see http://www.isthe.com/chongo/tech/comp/fnv/
 */
export function laneOf(workspaceId: WorkspaceId, laneCount: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < workspaceId.length; i++) {
    const unit = workspaceId.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) & (laneCount - 1);
}

/** Reports whether a number can be a lane count: a power of two up to 65,536. */
export function isLaneCount(count: number): boolean {
  return Number.isInteger(count) && count > 0 && count <= 1 << 16 && (count & (count - 1)) === 0;
}
