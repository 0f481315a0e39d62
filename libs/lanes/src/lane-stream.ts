import { readFileSync } from "node:fs";
import {
  pendingResults,
  type EncodedBatch,
  type LaneEntry,
  type OperationResult,
  type Resolution,
  type StoredEntry,
  type BatchId,
  type ConflictId,
  type DeviceId,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { exactly, laneEntrySchema, operationResultSchema, readWire } from "@syncline/shared/schemas";
import type { Redis } from "ioredis";
import { z } from "zod";
import { guarded } from "./connect.ts";
import type { ShardKeys } from "./keys.ts";
import { toRedisError } from "./redis-error.ts";
import type { Shards } from "./shards.ts";

/** The readable status of a batch between its acceptance and its drain. */
export interface AcceptedBatchStatus {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  acceptedAtMs: number;
  results: OperationResult[];
}

/** The entries at the head of a lane. */
export interface ReadWindow {
  entries: StoredEntry[];
  /** Their length as text, which approximates their memory. */
  bytes: number;
  deadLetterIds: string[];
  /** Deferred workspaces whose entries were moved off the lane: the caller wakes their drains. */
  movedWorkspaceIds: string[];
}

/** A lane without its deferred workspaces, or one of its deferred workspaces. */
export interface LanePart {
  lane: number;
  workspaceId?: WorkspaceId | undefined;
}

/** The limits of the backlog. A batch over a limit is rejected; resolutions from the conflict service have no limit. */
export interface LaneBounds {
  laneOperationsMax: number;
  laneBytesMax: number;
  workspaceOperationsMax: number;
}

/** The outcome of appending a batch: on its lane, or rejected at a limit without a trace. */
export type Appended = "appended" | "lane-full" | "workspace-full";

/** The streams of the lanes: accepted entries that are not committed yet. */
export interface LaneStreams {
  /**
   * Appends a batch with the lane's answered position and makes its status readable, in one step. If a limit is
   * reached, it does nothing.
   */
  appendBatch(lane: number, batch: EncodedBatch, trace: Record<string, string>): Promise<Appended>;
  /** Appends a conflict's resolution unless this round's is already on the lane. */
  appendResolution(lane: number, resolution: Resolution, trace: Record<string, string>): Promise<void>;
  /** True if this round's resolution is on the lane, so that it cannot be appended again. */
  hasResolution(lane: number, round: { conflictId: ConflictId; round: number }): Promise<boolean>;
  /**
   * Reads a lane or a deferred workspace from its head, up to the given number of operations, without removing entries.
   * Unreadable entries are dead-lettered and reported; entries of deferred workspaces are moved to their own streams.
   */
  readWindow(part: LanePart, operationsMax: number): Promise<ReadWindow>;
  /** Removes committed entries and advances the answered position. Returns the number of entries left. */
  removeEntries(part: LanePart, entries: readonly StoredEntry[]): Promise<number>;
  /**
   * Defers the workspaces of some entries that were read from a lane. These entries, and later ones of the workspaces,
   * wait on streams of their own, in order. Returns the number of entries left on the lane.
   */
  deferEntries(lane: number, entries: readonly StoredEntry[]): Promise<number>;
  /** Ends a workspace's deferral unless it has entries left. Returns true if it ended. */
  readmitWorkspace(lane: number, workspaceId: WorkspaceId): Promise<boolean>;
  /** The deferred workspaces of some lanes. */
  listDeferred(lanes: readonly number[]): Promise<Required<LanePart>[]>;
  /** The given lanes that hold entries. */
  lanesWithEntries(lanes: readonly number[]): Promise<number[]>;
  /**
   * Finds an accepted batch on the shards of some workspaces.
   * @returns `null` if it was committed or never accepted
   */
  readBatchStatus(batchId: BatchId, workspaceIds: Iterable<WorkspaceId>): Promise<AcceptedBatchStatus | null>;
}

/** The maximum bytes of a window: bounds a drain's memory and the size of a commit. */
export const WINDOW_BYTES_MAX = 8 * 1024 * 1024;
/** The maximum number of entries that one call moves, so that it stays short; the next call continues. */
const MOVES_MAX = 256;
const script = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

const UNBOUNDED: LaneBounds = {
  laneOperationsMax: Number.MAX_SAFE_INTEGER,
  laneBytesMax: Number.MAX_SAFE_INTEGER,
  workspaceOperationsMax: Number.MAX_SAFE_INTEGER,
};

/** Commands defined from the Lua files in this folder. */
interface Scripts {
  appendBatch(
    stream: string,
    waitingKey: string,
    statusKey: string,
    answeredKey: string,
    deferredWorkspaces: string,
    deferredAnsweredKey: string,
    entry: string | Buffer,
    status: string,
    workspaceId: WorkspaceId,
    operations: number,
    laneOperationsMax: number,
    laneBytesMax: number,
    workspaceOperationsMax: number,
  ): Promise<Appended>;
  appendResolution(
    stream: string,
    waitingKey: string,
    key: string,
    deferredWorkspaces: string,
    entry: string,
    workspaceId: WorkspaceId,
  ): Promise<number>;
  readWindow(
    keyCount: number,
    ...keysAndLimits: (string | number)[]
  ): Promise<[window: string[], moved: string[], hasMore: number]>;
  deferEntries(stream: string, answeredKey: string, deferred: string, ...pairs: string[]): Promise<number>;
  readmitWorkspace(
    stream: string,
    answeredKey: string,
    deferredWorkspaces: string,
    deferredStream: string,
    deferredAnsweredKey: string,
    workspaceId: WorkspaceId,
  ): Promise<number>;
  removeEntries(keyCount: number, ...keysAndIds: string[]): Promise<number>;
  deadLetterEntry(stream: string, waitingKey: string, deadLetters: string, id: string): Promise<number>;
}

/**
 * Creates the streams of the lanes.
 *
 * @param bounds - the limits for appending batches
 */
export function createLaneStreams(shards: Shards, bounds = UNBOUNDED): LaneStreams {
  for (const redis of shards.connections) defineScripts(redis);
  /** The connection and the keys of a lane. */
  const at = (lane: number) => {
    const { redis, keys } = shards.ofLane(lane);
    return { scripts: redis as unknown as Scripts, keys };
  };

  return {
    async appendBatch(lane, { head: batch, json }, trace) {
      const { scripts, keys } = at(lane);
      const status: AcceptedBatchStatus = {
        workspaceId: batch.workspaceId,
        deviceId: batch.deviceId,
        acceptedAtMs: batch.acceptedAtMs,
        results: pendingResults(batch),
      };
      return guarded(
        scripts.appendBatch(
          keys.laneStream(lane),
          keys.laneWaiting(lane),
          keys.acceptedBatch(batch.batchId),
          keys.laneAnswered(lane),
          keys.deferredWorkspaces(lane),
          keys.deferredAnswered(lane, batch.workspaceId),
          encodeEntry(json, trace),
          JSON.stringify(status),
          batch.workspaceId,
          batch.operations.length,
          bounds.laneOperationsMax,
          bounds.laneBytesMax,
          bounds.workspaceOperationsMax,
        ),
      );
    },

    async appendResolution(lane, resolution, trace) {
      const { scripts, keys } = at(lane);
      const entry: LaneEntry = { kind: "resolution", resolution, trace };
      await guarded(
        scripts.appendResolution(
          keys.laneStream(lane),
          keys.laneWaiting(lane),
          acceptedKey(keys, entry),
          keys.deferredWorkspaces(lane),
          JSON.stringify(entry),
          resolution.workspaceId,
        ),
      );
    },

    async hasResolution(lane, { conflictId, round }) {
      const { redis, keys } = shards.ofLane(lane);
      return (await guarded(redis.exists(keys.acceptedResolution(conflictId, round)))) === 1;
    },

    async readWindow(part, operationsMax) {
      const { scripts, keys } = at(part.lane);
      const { stream } = keysOfPart(keys, part);
      const isLane = part.workspaceId === undefined;
      const keysOfAll = isLane ? [stream, keys.deferredWorkspaces(part.lane)] : [stream];
      const limits = [operationsMax, WINDOW_BYTES_MAX, MOVES_MAX, keys.deferredStream(part.lane)];
      const moved = new Set<string>();
      let found: string[];
      for (;;) {
        const [window, movedNow, hasMore] = await guarded(
          scripts.readWindow(keysOfAll.length, ...keysOfAll, ...limits),
        );
        for (const workspaceId of movedNow) moved.add(workspaceId);
        found = window;
        if (window.length > 0 || hasMore === 0) break;
      }
      const entries: StoredEntry[] = [];
      const deadLetterIds: string[] = [];
      let bytes = 0;
      for (let at = 0; at + 2 < found.length; at += 3) {
        const [id = "", text = "", answered] = found.slice(at, at + 3);
        const entry = readWire(laneEntrySchema, text);
        if (entry !== undefined) {
          bytes += text.length;
          entries.push({ id, entry, answeredId: answered || id });
          continue;
        }
        // Accepted entries are never dropped: an unreadable one is kept for an operator.
        await guarded(
          scripts.deadLetterEntry(stream, keys.laneWaiting(part.lane), keys.deadLetters(part.lane), id),
        );
        deadLetterIds.push(id);
      }
      return { entries, bytes, deadLetterIds, movedWorkspaceIds: [...moved] };
    },

    async removeEntries(part, entries) {
      const { scripts, keys } = at(part.lane);
      const { stream, answered } = keysOfPart(keys, part);
      const acceptedKeys = entries.map(({ entry }) => acceptedKey(keys, entry));
      const keysOfAll = [stream, keys.laneWaiting(part.lane), answered, ...acceptedKeys];
      return guarded(scripts.removeEntries(keysOfAll.length, ...keysOfAll, ...entries.map(({ id }) => id)));
    },

    async deferEntries(lane, entries) {
      const { scripts, keys } = at(lane);
      return guarded(
        scripts.deferEntries(
          keys.laneStream(lane),
          keys.laneAnswered(lane),
          keys.deferredWorkspaces(lane),
          keys.deferredStream(lane),
          keys.deferredAnswered(lane),
          ...entries.flatMap((stored) => [workspaceOf(stored), stored.id]),
        ),
      );
    },

    async readmitWorkspace(lane, workspaceId) {
      const { scripts, keys } = at(lane);
      const readmitted = await guarded(
        scripts.readmitWorkspace(
          keys.laneStream(lane),
          keys.laneAnswered(lane),
          keys.deferredWorkspaces(lane),
          keys.deferredStream(lane, workspaceId),
          keys.deferredAnswered(lane, workspaceId),
          workspaceId,
        ),
      );
      return readmitted === 1;
    },

    async listDeferred(lanes) {
      const found = await Promise.all(
        lanes.map(async (lane) => {
          const { redis, keys } = shards.ofLane(lane);
          const workspaceIds = await guarded(redis.smembers(keys.deferredWorkspaces(lane)));
          return workspaceIds.map((workspaceId) => ({ lane, workspaceId }));
        }),
      );
      return found.flat();
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

    async readBatchStatus(batchId, workspaceIds) {
      const where = new Set([...workspaceIds].map((workspaceId) => shards.of(workspaceId)));
      const found = await Promise.all(
        [...where].map(({ redis, keys }) => guarded(redis.get(keys.acceptedBatch(batchId)))),
      );
      const status = found.find((text) => text !== null);
      // A malformed one, for example after a manual repair, is unknown: the client sends its batch again.
      return readWire(batchStatusSchema, status ?? "") ?? null;
    },
  };
}

function defineScripts(redis: Redis): void {
  redis.defineCommand("appendBatch", { numberOfKeys: 6, lua: script("./append-batch.lua") });
  redis.defineCommand("appendResolution", { numberOfKeys: 4, lua: script("./append-resolution.lua") });
  redis.defineCommand("readWindow", { lua: script("./read-window.lua") });
  redis.defineCommand("deferEntries", { numberOfKeys: 3, lua: script("./defer-entries.lua") });
  redis.defineCommand("readmitWorkspace", { numberOfKeys: 5, lua: script("./readmit-workspace.lua") });
  redis.defineCommand("removeEntries", { lua: script("./remove-entries.lua") });
  redis.defineCommand("deadLetterEntry", { numberOfKeys: 3, lua: script("./dead-letter-entry.lua") });
}

/** The stream of a lane part and the key of its answered position. */
function keysOfPart(keys: ShardKeys, { lane, workspaceId }: LanePart): { stream: string; answered: string } {
  return workspaceId === undefined
    ? { stream: keys.laneStream(lane), answered: keys.laneAnswered(lane) }
    : {
        stream: keys.deferredStream(lane, workspaceId),
        answered: keys.deferredAnswered(lane, workspaceId),
      };
}

/** The workspace of an entry. */
export function workspaceOf({ entry }: StoredEntry): WorkspaceId {
  return entry.kind === "batch" ? entry.batch.workspaceId : entry.resolution.workspaceId;
}

/** Encodes the {@link LaneEntry} of a batch that is already JSON text. */
function encodeEntry(json: EncodedBatch["json"], trace: Record<string, string>): string | Buffer {
  const [before, after] = ['{"kind":"batch","batch":', `,"trace":${JSON.stringify(trace)}}`];
  if (typeof json === "string") return before + json + after;
  return Buffer.concat([Buffer.from(before), json, Buffer.from(after)]);
}

/** The key that exists while an entry is on its lane. */
function acceptedKey(keys: ShardKeys, entry: LaneEntry): string {
  return entry.kind === "batch"
    ? keys.acceptedBatch(entry.batch.batchId)
    : keys.acceptedResolution(entry.resolution.conflictId, entry.resolution.round);
}

export const batchStatusSchema: z.ZodType<AcceptedBatchStatus> = exactly<AcceptedBatchStatus>()(
  z.object({
    workspaceId: z.string(),
    deviceId: z.string(),
    acceptedAtMs: z.int(),
    results: z.array(operationResultSchema),
  }),
);
