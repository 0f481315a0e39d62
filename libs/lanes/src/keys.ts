import type { BatchId, ConflictId, WorkspaceId } from "@syncline/shared/protocol";
/** The Redis keys of one shard. The hash tag keeps all keys of a script in one slot of a Redis Cluster. */
export interface ShardKeys {
  laneStream(lane: number): string;
  /** The id of the last entry that was committed and removed from a lane. */
  laneAnswered(lane: number): string;
  /** The size of a lane's backlog: its operations and bytes, and the operations of each workspace. */
  laneWaiting(lane: number): string;
  /** The workspaces of a lane that cannot be committed at the moment. Each has its own stream. */
  deferredWorkspaces(lane: number): string;
  /**
   * The entries of a deferred workspace, in order. Without a workspace: the common prefix of a lane's deferred
   * workspaces.
   */
  deferredStream(lane: number, workspaceId?: WorkspaceId): string;
  /**
   * The last committed entry of a deferred workspace. Without a workspace: the common prefix of a lane's deferred
   * workspaces.
   */
  deferredAnswered(lane: number, workspaceId?: WorkspaceId): string;
  /** Dead-lettered entries: unreadable, kept for an operator. */
  deadLetters(lane: number): string;
  acceptedBatch(batchId: BatchId): string;
  /** Exists while a conflict's resolution of this round is on its lane. */
  acceptedResolution(conflictId: ConflictId, round: number): string;
  /** Written before waiting for replicas; its value has no meaning. */
  barrier: string;
  /** The prefix of the rate limiters' keys. */
  ratePrefix: string;
  /** The prefix of BullMQ's own keys. */
  queuePrefix: string;
}

export function keysOf(tag: string): ShardKeys {
  return {
    laneStream: (lane) => `${tag}:lane:${lane}`,
    laneAnswered: (lane) => `${tag}:answered:${lane}`,
    laneWaiting: (lane) => `${tag}:waiting:${lane}`,
    deferredWorkspaces: (lane) => `${tag}:deferred:${lane}`,
    deferredStream: (lane, workspaceId = "") => `${tag}:deferred-lane:${lane}:${workspaceId}`,
    deferredAnswered: (lane, workspaceId = "") => `${tag}:deferred-answered:${lane}:${workspaceId}`,
    deadLetters: (lane) => `${tag}:dead:${lane}`,
    acceptedBatch: (batchId) => `${tag}:batch:${batchId}`,
    acceptedResolution: (conflictId, round) => `${tag}:resolution:${conflictId}:${round}`,
    barrier: `${tag}:barrier`,
    ratePrefix: `${tag}:rate`,
    queuePrefix: `${tag}:queue`,
  };
}

/** Channels are not keys: a message published on one cluster node reaches all nodes. */
const CHANNELS = "{syncline}";

/** The channel for replies to one ingest process's batches. */
export const replyChannel = (replyTo: string): string => `${CHANNELS}:reply:${replyTo}`;
/** The channel for final results of pending operations, for every ingest process. */
export const SETTLED_CHANNEL = `${CHANNELS}:settled`;
/** The channel for commits to workspaces, for every ingest process. */
export const CHANGED_CHANNEL = `${CHANNELS}:changed`;
