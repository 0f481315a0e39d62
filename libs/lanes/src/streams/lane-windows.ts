import type { StoredEntry } from "@syncline/shared/protocol";
import { laneEntrySchema, readWire } from "@syncline/shared/schemas";
import { guarded } from "../connect.ts";
import { toRedisError } from "../redis-error.ts";
import type { Shards } from "../shards.ts";
import { acceptedKey, keysOfPart, type LanePart } from "./lane-part.ts";
import type { AccessLane } from "./lane-scripts.ts";

/** The entries at the head of a lane. */
export interface ReadWindow {
  entries: StoredEntry[];
  /** Their length as text, which approximates their memory. */
  bytes: number;
  deadLetterIds: string[];
  /** Deferred workspaces whose entries were moved off the lane: the caller wakes their drains. */
  movedWorkspaceIds: string[];
}

/** Reads the lanes from their heads and removes the entries that are committed. */
export interface LaneWindows {
  /**
   * Reads a lane or a deferred workspace from its head, up to the given number of operations, without removing entries.
   * Unreadable entries are dead-lettered and reported; entries of deferred workspaces are moved to their own streams.
   */
  readWindow(part: LanePart, operationsMax: number): Promise<ReadWindow>;
  /** Removes committed entries and advances the answered position. Returns the number of entries left. */
  removeEntries(part: LanePart, entries: readonly StoredEntry[]): Promise<number>;
  /** The given lanes that hold entries. */
  lanesWithEntries(lanes: readonly number[]): Promise<number[]>;
}

/** The maximum bytes of a window: bounds a drain's memory and the size of a commit. */
export const WINDOW_BYTES_MAX = 8 * 1024 * 1024;
/** The maximum number of entries that one call moves, so that it stays short; the next call continues. */
const MOVES_MAX = 256;

export function createLaneWindows(access: AccessLane, shards: Shards): LaneWindows {
  return {
    async readWindow(part, operationsMax) {
      const { found, movedWorkspaceIds } = await readHead(access, part, operationsMax);
      const entries: StoredEntry[] = [];
      const deadLetterIds: string[] = [];
      let bytes = 0;
      for (let at = 0; at + 2 < found.length; at += 3) {
        const [id = "", text = "", answered] = found.slice(at, at + 3);
        const entry = readWire(laneEntrySchema, text);
        if (entry === undefined) {
          await deadLetter(access, part, id);
          deadLetterIds.push(id);
        } else {
          bytes += text.length;
          entries.push({ id, entry, answeredId: answered || id });
        }
      }
      return { entries, bytes, deadLetterIds, movedWorkspaceIds };
    },

    async removeEntries(part, entries) {
      const { scripts, keys } = access(part.lane);
      const { stream, answered } = keysOfPart(keys, part);
      const acceptedKeys = entries.map(({ entry }) => acceptedKey(keys, entry));
      const keysOfAll = [stream, keys.laneWaiting(part.lane), answered, ...acceptedKeys];
      return guarded(scripts.removeEntries(keysOfAll.length, ...keysOfAll, ...entries.map(({ id }) => id)));
    },

    async lanesWithEntries(lanes) {
      const lanesByShard = Map.groupBy(lanes, (lane) => shards.ofLane(lane));
      const busy = [...lanesByShard].map(async ([{ redis, keys }, ofShard]) => {
        const pipeline = redis.pipeline();
        for (const lane of ofShard) pipeline.xlen(keys.laneStream(lane));
        const lengths = (await guarded(pipeline.exec())) ?? [];
        return ofShard.filter((_lane, index) => {
          const [error, length] = lengths[index] ?? [];
          if (error) throw toRedisError(error);
          return Number(length) > 0;
        });
      });
      return (await Promise.all(busy)).flat();
    },
  };
}

/** Reads the texts at the head. Repeats while a call only moves entries of deferred workspaces out of the way. */
async function readHead(
  access: AccessLane,
  part: LanePart,
  operationsMax: number,
): Promise<{ found: string[]; movedWorkspaceIds: string[] }> {
  const { scripts, keys } = access(part.lane);
  const { stream } = keysOfPart(keys, part);
  const isLane = part.workspaceId === undefined;
  const keysOfAll = isLane ? [stream, keys.deferredWorkspaces(part.lane)] : [stream];
  const limits = [operationsMax, WINDOW_BYTES_MAX, MOVES_MAX, keys.deferredStream(part.lane)];
  const moved = new Set<string>();
  for (;;) {
    const [found, movedNow, hasMore] = await guarded(
      scripts.readWindow(keysOfAll.length, ...keysOfAll, ...limits),
    );
    for (const workspaceId of movedNow) moved.add(workspaceId);
    if (found.length > 0 || hasMore === 0) return { found, movedWorkspaceIds: [...moved] };
  }
}

/** Keeps an unreadable entry for an operator, because accepted entries are never dropped. */
async function deadLetter(access: AccessLane, part: LanePart, id: string): Promise<void> {
  const { scripts, keys } = access(part.lane);
  const { stream } = keysOfPart(keys, part);
  await guarded(
    scripts.deadLetterEntry(stream, keys.laneWaiting(part.lane), keys.deadLetters(part.lane), id),
  );
}
