import type { BatchId, WorkspaceId } from "@syncline/shared/protocol";
import { readFileSync } from "node:fs";
import { guarded } from "./connect.ts";
import type { Shards } from "./shards.ts";

/** A dead-lettered entry, described without its payload. */
export interface DeadLetter {
  lane: number;
  /** Its id among the dead letters of its lane. */
  id: string;
  /** Its former id on the lane. */
  from: string;
  workspaceId: WorkspaceId | undefined;
  kind: string | undefined;
  batchId: BatchId | undefined;
  operations: number;
  bytes: number;
}

/** Access to the dead-lettered entries, for an operator to put back or drop. */
export interface DeadLetters {
  list(lanes: readonly number[]): Promise<DeadLetter[]>;
  /** Appends an entry to its lane again. @returns true if it was still there */
  replay(entry: Pick<DeadLetter, "lane" | "id">): Promise<boolean>;
  /**
   * Removes an entry and the status of its batch, so that its client sends the batch again. @returns true if it was
   * still there
   */
  drop(entry: Pick<DeadLetter, "lane" | "id" | "batchId">): Promise<boolean>;
}

const REPLAY = readFileSync(new URL("./replay-dead-letter.lua", import.meta.url), "utf8");
const PAGE_ENTRIES = 10;

interface Scripts {
  replayDeadLetter(
    dead: string,
    stream: string,
    waitingKey: string,
    deferredWorkspaces: string,
    id: string,
  ): Promise<number>;
}

export function createDeadLetters(shards: Shards): DeadLetters {
  for (const redis of shards.connections) {
    redis.defineCommand("replayDeadLetter", { numberOfKeys: 4, lua: REPLAY });
  }
  return {
    async list(lanes) {
      const found: DeadLetter[] = [];
      for (const lane of lanes) {
        const { redis, keys } = shards.ofLane(lane);
        for (let from = "-"; ;) {
          // Few at a time, because an entry may have megabytes.
          const page = await guarded(redis.xrange(keys.deadLetters(lane), from, "+", "COUNT", PAGE_ENTRIES));
          found.push(...page.map(([id, fields]) => describeEntry(lane, id, fields)));
          const last = page.at(-1);
          if (last === undefined || page.length < PAGE_ENTRIES) break;
          from = `(${last[0]}`;
        }
      }
      return found;
    },

    async replay({ lane, id }) {
      const { redis, keys } = shards.ofLane(lane);
      const replayed = (redis as unknown as Scripts).replayDeadLetter(
        keys.deadLetters(lane),
        keys.laneStream(lane),
        keys.laneWaiting(lane),
        keys.deferredWorkspaces(lane),
        id,
      );
      return (await guarded(replayed)) === 1;
    },

    async drop({ lane, id, batchId }) {
      const { redis, keys } = shards.ofLane(lane);
      const removed = await guarded(redis.xdel(keys.deadLetters(lane), id));
      if (removed === 1 && batchId !== undefined) await guarded(redis.del(keys.acceptedBatch(batchId)));
      return removed === 1;
    },
  };
}

/** Reads the available fields: the entry may not be JSON. */
function describeEntry(lane: number, id: string, fields: readonly string[]): DeadLetter {
  const valueOf = (name: string): string | undefined => {
    const at = fields.findIndex((field, index) => index % 2 === 0 && field === name);
    return at === -1 ? undefined : fields[at + 1];
  };
  const text = valueOf("entry") ?? "";
  return {
    lane,
    id,
    from: valueOf("from") ?? "",
    workspaceId: valueOf("workspace"),
    kind: /"kind":"([^"]{1,50})"/.exec(text)?.[1],
    batchId: /"batchId":"([0-9a-f-]{36})"/.exec(text)?.[1],
    operations: Number(valueOf("operations") ?? 0),
    bytes: Buffer.byteLength(text),
  };
}
