import { readFileSync } from "node:fs";
import type { WorkspaceId } from "@syncline/shared/protocol";
import type { Redis } from "ioredis";
import type { ShardKeys } from "../keys.ts";
import type { Shards } from "../shards.ts";

/** The outcome of appending a batch: on its lane, or rejected at a limit without a trace. */
export type Appended = "appended" | "lane-full" | "workspace-full";

/** Commands defined from the Lua files in this folder. */
export interface LaneScripts {
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

/** The connection of a lane, with its scripts, and the lane's keys. */
export interface LaneAccess {
  redis: Redis;
  scripts: LaneScripts;
  keys: ShardKeys;
}

/** Finds the connection and the keys of a lane. */
export type AccessLane = (lane: number) => LaneAccess;

const script = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** Defines the scripts on all connections. */
export function defineLaneScripts(shards: Shards): AccessLane {
  for (const redis of shards.connections) {
    redis.defineCommand("appendBatch", { numberOfKeys: 6, lua: script("./append-batch.lua") });
    redis.defineCommand("appendResolution", { numberOfKeys: 4, lua: script("./append-resolution.lua") });
    redis.defineCommand("readWindow", { lua: script("./read-window.lua") });
    redis.defineCommand("deferEntries", { numberOfKeys: 3, lua: script("./defer-entries.lua") });
    redis.defineCommand("readmitWorkspace", { numberOfKeys: 5, lua: script("./readmit-workspace.lua") });
    redis.defineCommand("removeEntries", { lua: script("./remove-entries.lua") });
    redis.defineCommand("deadLetterEntry", { numberOfKeys: 3, lua: script("./dead-letter-entry.lua") });
  }
  return (lane) => {
    const { redis, keys } = shards.ofLane(lane);
    return { redis, scripts: redis as unknown as LaneScripts, keys };
  };
}
