import { readFileSync } from "node:fs";
import {
  pendingResults,
  type AcceptedBatch,
  type LaneEntry,
  type OperationResult,
  type Resolution,
  type StoredEntry,
} from "@syncline/shared";
import type { Redis } from "ioredis";
import { guarded, redisUnavailable } from "./connect.ts";
import {
  acceptedBatchKey,
  acceptedResolutionKey,
  deadEntriesKey,
  laneAnsweredKey,
  laneStreamKey,
} from "./keys.ts";

/** What can be read of a batch between its acceptance and its drain. */
export interface AcceptedBatchStatus {
  workspaceId: string;
  deviceId: string;
  acceptedAtMs: number;
  results: OperationResult[];
}

/** What lies at the head of a lane. */
export interface ReadWindow {
  entries: StoredEntry[];
  /** How long they are as text: about what they take in memory. */
  bytes: number;
  deadIds: string[];
}

/** The lanes' streams: what was accepted and is not committed yet. */
export interface LaneStreams {
  /** Appends a batch, notes what had been answered by then, and makes its status readable, in one step. */
  appendBatch(lane: number, batch: AcceptedBatch, trace: Record<string, string>): Promise<void>;
  /** Appends a conflict's resolution, unless this round's is on the lane already. */
  appendResolution(lane: number, resolution: Resolution, trace: Record<string, string>): Promise<void>;
  /**
   * Reads a lane from its head, without removing anything, until so many operations are together.
   * Entries that cannot be read are set aside, and reported.
   */
  readWindow(lane: number, operationsMax: number): Promise<ReadWindow>;
  /** Removes what is committed, which counts as answered from then on. Returns how many entries are left. */
  removeEntries(lane: number, entries: readonly StoredEntry[]): Promise<number>;
  /** The lanes that hold entries. */
  lanesWithEntries(laneCount: number): Promise<number[]>;
  /** `null` when the batch was committed, or never accepted. */
  readBatchStatus(batchId: string): Promise<AcceptedBatchStatus | null>;
}

/** Most bytes of entries in a window: bounds what a drain holds in memory, and what a commit does. */
export const WINDOW_BYTES_MAX = 8 * 1024 * 1024;
const script = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** Commands defined from the Lua files beside this one. */
interface Scripts {
  appendBatch(
    stream: string,
    statusKey: string,
    answeredKey: string,
    entry: string,
    status: string,
    operations: number,
  ): Promise<string>;
  appendResolution(stream: string, key: string, entry: string): Promise<number>;
  readWindow(stream: string, operationsMax: number, bytesMax: number): Promise<string[]>;
  removeEntries(keyCount: number, ...keysAndIds: string[]): Promise<number>;
}

export function createLaneStreams(redis: Redis): LaneStreams {
  redis.defineCommand("appendBatch", { numberOfKeys: 3, lua: script("./append-batch.lua") });
  redis.defineCommand("appendResolution", { numberOfKeys: 2, lua: script("./append-resolution.lua") });
  redis.defineCommand("readWindow", { numberOfKeys: 1, lua: script("./read-window.lua") });
  redis.defineCommand("removeEntries", { lua: script("./remove-entries.lua") });
  const scripts = redis as unknown as Scripts;

  return {
    async appendBatch(lane, batch, trace) {
      const entry: LaneEntry = { kind: "batch", batch, trace };
      const status: AcceptedBatchStatus = {
        workspaceId: batch.workspaceId,
        deviceId: batch.deviceId,
        acceptedAtMs: batch.acceptedAtMs,
        results: pendingResults(batch),
      };
      await guarded(
        scripts.appendBatch(
          laneStreamKey(lane),
          acceptedBatchKey(batch.batchId),
          laneAnsweredKey(lane),
          JSON.stringify(entry),
          JSON.stringify(status),
          batch.operations.length,
        ),
      );
    },

    async appendResolution(lane, resolution, trace) {
      const entry: LaneEntry = { kind: "resolution", resolution, trace };
      const key = acceptedResolutionKey(resolution.conflictId, resolution.round);
      await guarded(scripts.appendResolution(laneStreamKey(lane), key, JSON.stringify(entry)));
    },

    async readWindow(lane, operationsMax) {
      const found = await guarded(scripts.readWindow(laneStreamKey(lane), operationsMax, WINDOW_BYTES_MAX));
      const entries: StoredEntry[] = [];
      const deadIds: string[] = [];
      let bytes = 0;
      for (let at = 0; at + 2 < found.length; at += 3) {
        const [id = "", text = "", answered] = found.slice(at, at + 3);
        const entry = decodeEntry(text);
        if (entry !== undefined) {
          bytes += text.length;
          entries.push({ id, entry, answeredId: answered || id });
          continue;
        }
        await setAside(lane, id);
        deadIds.push(id);
      }
      return { entries, bytes, deadIds };
    },

    async removeEntries(lane, entries) {
      const acceptedKeys = entries.map(({ entry }) =>
        entry.kind === "batch"
          ? acceptedBatchKey(entry.batch.batchId)
          : acceptedResolutionKey(entry.resolution.conflictId, entry.resolution.round),
      );
      const keys = [laneStreamKey(lane), laneAnsweredKey(lane), ...acceptedKeys];
      return guarded(scripts.removeEntries(keys.length, ...keys, ...entries.map(({ id }) => id)));
    },

    async lanesWithEntries(laneCount) {
      const pipeline = redis.pipeline();
      for (let lane = 0; lane < laneCount; lane++) pipeline.xlen(laneStreamKey(lane));
      const lengths = (await guarded(pipeline.exec())) ?? [];
      return lengths.flatMap(([error, length], lane) => {
        if (error) throw redisUnavailable(error);
        return Number(length) > 0 ? [lane] : [];
      });
    },

    async readBatchStatus(batchId) {
      const status = await guarded(redis.get(acceptedBatchKey(batchId)));
      return status === null ? null : (JSON.parse(status) as AcceptedBatchStatus);
    },
  };

  /** Nothing that was accepted is dropped: what no code can read waits for a person. */
  async function setAside(lane: number, id: string): Promise<void> {
    const [found] = await guarded(redis.xrange(laneStreamKey(lane), id, id));
    if (found === undefined) return;
    const moved = redis
      .multi()
      .xadd(deadEntriesKey(lane), "*", "from", id, ...found[1])
      .xdel(laneStreamKey(lane), id);
    await guarded(moved.exec());
  }
}

/** `undefined` for what is no entry, or one of a kind that this version does not know. */
function decodeEntry(text: string): LaneEntry | undefined {
  let entry: Partial<Record<string, unknown>> | null;
  try {
    entry = JSON.parse(text) as Partial<Record<string, unknown>> | null;
  } catch {
    return undefined;
  }
  const isBatch = entry?.["kind"] === "batch" && typeof entry["batch"] === "object";
  const isResolution = entry?.["kind"] === "resolution" && typeof entry["resolution"] === "object";
  return isBatch || isResolution ? (entry as unknown as LaneEntry) : undefined;
}
