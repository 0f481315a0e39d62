/** Every key that Syncline keeps of one shard. The hash tag keeps what one script touches in one slot of a Redis Cluster. */
export interface ShardKeys {
  laneStream(lane: number): string;
  /** The last entry that was committed and taken off a lane. */
  laneAnswered(lane: number): string;
  /** How much waits on a lane: operations and bytes in all, and operations of each workspace. */
  laneWaiting(lane: number): string;
  /** The workspaces of a lane that cannot be committed at the moment: each has a stream of its own. */
  deferredWorkspaces(lane: number): string;
  /** What waits of a deferred workspace, in order. Without one: the prefix of all of a lane. */
  deferredStream(lane: number, workspaceId?: string): string;
  /** The last entry of a deferred workspace that was committed. Without one: the prefix of all of a lane. */
  deferredAnswered(lane: number, workspaceId?: string): string;
  /** Entries that could not be read at all: kept aside for a person. */
  deadLetters(lane: number): string;
  acceptedBatch(batchId: string): string;
  /** Says that a round of a conflict is on its lane. */
  acceptedResolution(conflictId: string, round: number): string;
  /** Written before replicas are asked how far they are: it says nothing. */
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

/** Channels are no keys: what is published on one node of a cluster is heard on all. */
const CHANNELS = "{syncline}";

/** The channel on which an ingest process hears of its batches. */
export const replyChannel = (replyTo: string): string => `${CHANNELS}:reply:${replyTo}`;
/** The channel on which every ingest process hears of operations that were pending. */
export const SETTLED_CHANNEL = `${CHANNELS}:settled`;
/** The channel on which every ingest process hears of workspaces that were committed to. */
export const CHANGED_CHANNEL = `${CHANNELS}:changed`;
