/**
 * Every key that Syncline keeps in Redis. The hash tag keeps what one script touches in one slot of a Redis Cluster.
 */
const TAG = "{syncline}";

export const laneStreamKey = (lane: number): string => `${TAG}:lane:${lane}`;
/** The last entry that was committed and taken off a lane. */
export const laneAnsweredKey = (lane: number): string => `${TAG}:answered:${lane}`;
/** How much waits on a lane: operations and bytes in all, and operations of each workspace. */
export const laneWaitingKey = (lane: number): string => `${TAG}:waiting:${lane}`;
/** Entries that could not be read at all: kept aside for a person. */
export const deadEntriesKey = (lane: number): string => `${TAG}:dead:${lane}`;
export const acceptedBatchKey = (batchId: string): string => `${TAG}:batch:${batchId}`;
/** Says that a round of a conflict is on its lane. */
export const acceptedResolutionKey = (conflictId: string, round: number): string =>
  `${TAG}:resolution:${conflictId}:${round}`;
/** The channel on which an ingest process hears of its batches. */
export const replyChannel = (replyTo: string): string => `${TAG}:reply:${replyTo}`;
/** The channel on which every ingest process hears of operations that were pending. */
export const SETTLED_CHANNEL = `${TAG}:settled`;
/** The channel on which every ingest process hears of workspaces that were committed to. */
export const CHANGED_CHANNEL = `${TAG}:changed`;
/** The prefix of the rate limiters' keys. */
export const RATE_PREFIX = `${TAG}:rate`;
/** The prefix of BullMQ's own keys. */
export const QUEUE_PREFIX = `${TAG}:queue`;
