import { randomUUID } from "node:crypto";
import type { LaneEntry } from "@syncline/shared/protocol";
import { monitorRedis } from "./redis-monitor.ts";
import type { System } from "./system.ts";

/** An entry as appended to its lane. */
export interface TappedEntry {
  entry: LaneEntry;
  /** Its position among all entries ever appended to its lane, from 0. */
  place: number;
  /** The position of the last entry removed from the lane by then; -1 if none. */
  answered: number;
  /** The removal that took it off: entries of one commit share the number. `undefined` while it is on the lane. */
  removal?: number;
}

/**
 * Records every entry of every lane in the order of their appends, which is the order of their effect, and their
 * removals, by monitoring the commands that Redis executes.
 */
export interface LaneTap {
  /** A workspace's entries so far, in order. */
  entriesOf(workspaceId: string): readonly TappedEntry[];
  /** Waits until all commands that Redis has executed so far are recorded. */
  catchUp(): Promise<void>;
  /** Drops a workspace's entries after their last use. */
  forget(workspaceId: string): void;
  stop(): void;
}

interface Lane {
  appended: number;
  /** The entries still on the lane. */
  waiting: TappedEntry[];
  removedIds: Set<string>;
}

export async function tapLanes({ redis }: Pick<System, "redis">): Promise<LaneTap> {
  const database = String(redis.options.db ?? 0);
  const laneByKey = new Map<string, Lane>();
  const entriesByWorkspace = new Map<string, TappedEntry[]>();
  const waitingForEcho = new Map<string, () => void>();
  let removals = 0;

  const stop = await monitorRedis(redis, (executed) => {
    if (executed.database !== database) return;
    const [command = "", key = "", ...rest] = executed.args;
    if (command === "echo") waitingForEcho.get(key)?.();
    if (!key.includes(":lane:")) return;
    if (command === "XADD") append(laneOf(key), rest);
    if (command === "XDEL") remove(laneOf(key), rest);
  });

  function laneOf(key: string): Lane {
    const lane = laneByKey.get(key) ?? { appended: 0, waiting: [], removedIds: new Set() };
    laneByKey.set(key, lane);
    return lane;
  }

  function append(lane: Lane, [_id, ...fields]: string[]): void {
    const entry = JSON.parse(fields[fields.indexOf("entry") + 1] ?? "") as LaneEntry;
    const tapped = { entry, place: lane.appended, answered: lane.removedIds.size - 1 };
    lane.appended += 1;
    lane.waiting.push(tapped);
    const { workspaceId } = entry.kind === "batch" ? entry.batch : entry.resolution;
    const ofWorkspace = entriesByWorkspace.get(workspaceId) ?? [];
    entriesByWorkspace.set(workspaceId, ofWorkspace);
    ofWorkspace.push(tapped);
  }

  /** Drains remove from the head of a lane, so that the ids, which MONITOR does not show, are removed in order. */
  function remove(lane: Lane, ids: string[]): void {
    removals += 1;
    for (const id of ids) {
      if (lane.removedIds.has(id)) continue;
      const entry = lane.waiting.shift();
      if (entry !== undefined) entry.removal = removals;
      lane.removedIds.add(id);
    }
  }

  return {
    entriesOf: (workspaceId) => entriesByWorkspace.get(workspaceId) ?? [],
    async catchUp() {
      const word = randomUUID();
      const { promise, resolve } = Promise.withResolvers<void>();
      waitingForEcho.set(word, resolve);
      await redis.echo(word);
      await promise;
      waitingForEcho.delete(word);
    },
    forget: (workspaceId) => void entriesByWorkspace.delete(workspaceId),
    stop,
  };
}
