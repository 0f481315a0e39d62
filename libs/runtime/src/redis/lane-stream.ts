import { readFileSync } from "node:fs";
import type { AcceptedBatch, LaneEntry, Resolution } from "@syncline/shared";
import type { Redis } from "ioredis";
import { redisUnavailable } from "./connect.ts";
import { acceptedBatchKey, deadEntriesKey, laneStreamKey } from "./keys.ts";

/** What can be read of a batch between its acceptance and its drain. */
export interface AcceptedBatchStatus {
  workspaceId: string;
  deviceId: string;
  acceptedAtMs: number;
  operations: { clientId: string; documentId: string }[];
}

/** An entry with its id in the stream. */
export interface StoredEntry {
  id: string;
  entry: LaneEntry;
}

/** The lanes' streams: what was accepted and is not committed yet. */
export interface LaneStreams {
  /** Appends a batch, and makes its status readable, in one step. */
  appendBatch(lane: number, batch: AcceptedBatch, trace: Record<string, string>): Promise<void>;
  appendResolution(lane: number, resolution: Resolution, trace: Record<string, string>): Promise<void>;
  /**
   * Reads a lane from its head, without removing anything, until so many operations are together.
   * Entries that cannot be read are set aside, and reported.
   */
  readWindow(lane: number, operationsMax: number): Promise<{ entries: StoredEntry[]; deadIds: string[] }>;
  /** Removes what is committed. Returns how many entries are left. */
  removeEntries(lane: number, entries: readonly StoredEntry[]): Promise<number>;
  /** The lanes that hold entries. */
  lanesWithEntries(laneCount: number): Promise<number[]>;
  /** `null` when the batch was committed, or never accepted. */
  readBatchStatus(batchId: string): Promise<AcceptedBatchStatus | null>;
}

const PAGE_ENTRIES = 64;
const script = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** Commands defined from the Lua files beside this one. */
interface Scripts {
  appendBatch(stream: string, statusKey: string, entry: string, status: string): Promise<string>;
  removeEntries(keyCount: number, ...keysAndIds: string[]): Promise<number>;
}

export function createLaneStreams(redis: Redis): LaneStreams {
  redis.defineCommand("appendBatch", { numberOfKeys: 2, lua: script("./append-batch.lua") });
  redis.defineCommand("removeEntries", { lua: script("./remove-entries.lua") });
  const scripts = redis as unknown as Scripts;

  return {
    async appendBatch(lane, batch, trace) {
      const entry: LaneEntry = { kind: "batch", batch, trace };
      const status: AcceptedBatchStatus = {
        workspaceId: batch.workspaceId,
        deviceId: batch.deviceId,
        acceptedAtMs: batch.acceptedAtMs,
        operations: [...batch.operations]
          .sort((a, b) => a.position - b.position)
          .map(({ clientId, documentId }) => ({ clientId, documentId })),
      };
      await guarded(
        scripts.appendBatch(
          laneStreamKey(lane),
          acceptedBatchKey(batch.batchId),
          JSON.stringify(entry),
          JSON.stringify(status),
        ),
      );
    },

    async appendResolution(lane, resolution, trace) {
      const entry: LaneEntry = { kind: "resolution", resolution, trace };
      await guarded(redis.xadd(laneStreamKey(lane), "*", "entry", JSON.stringify(entry)));
    },

    async readWindow(lane, operationsMax) {
      const entries: StoredEntry[] = [];
      const deadIds: string[] = [];
      let operations = 0;
      let from = "-";
      for (;;) {
        const page = await guarded(redis.xrange(laneStreamKey(lane), from, "+", "COUNT", PAGE_ENTRIES));
        for (const [id, fields] of page) {
          const entry = decodeEntry(fields);
          if (entry === undefined) {
            await setAside(lane, id, fields);
            deadIds.push(id);
            continue;
          }
          const size = entry.kind === "batch" ? entry.batch.operations.length : 1;
          if (entries.length > 0 && operations + size > operationsMax) return { entries, deadIds };
          entries.push({ id, entry });
          operations += size;
        }
        const lastId = page.at(-1)?.[0];
        if (lastId === undefined || page.length < PAGE_ENTRIES) return { entries, deadIds };
        from = `(${lastId}`;
      }
    },

    async removeEntries(lane, entries) {
      const batchKeys = entries.flatMap(({ entry }) =>
        entry.kind === "batch" ? [acceptedBatchKey(entry.batch.batchId)] : [],
      );
      const keys = [laneStreamKey(lane), ...batchKeys];
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
  async function setAside(lane: number, id: string, fields: string[]): Promise<void> {
    const moved = redis
      .multi()
      .xadd(deadEntriesKey(lane), "*", "from", id, ...fields)
      .xdel(laneStreamKey(lane), id);
    await guarded(moved.exec());
  }
}

async function guarded<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw redisUnavailable(error);
  }
}

function decodeEntry(fields: string[]): LaneEntry | undefined {
  const text = fields[0] === "entry" ? fields[1] : undefined;
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as LaneEntry;
  } catch {
    return undefined;
  }
}
