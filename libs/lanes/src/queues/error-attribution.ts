import { SynclineError } from "@syncline/shared/protocol";
import { toRedisError } from "../redis-error.ts";

/**
 * Separates errors that a job's own work threw from failures around it: a job that Redis lost, or a reply that did not
 * arrive when the result was stored. Those are faults of Redis, not of our code.
 */
export interface ErrorAttribution {
  /** Remembers the errors that the work throws. */
  watch<T>(work: Promise<T>): Promise<T>;
  /** The reason of a job's failure. */
  reasonOf(error: unknown): Error;
  /** True if the job's own work threw the error. */
  isOwn(error: unknown): boolean;
}

export function createErrorAttribution(): ErrorAttribution {
  const ours = new WeakSet<Error>();
  return {
    async watch(work) {
      try {
        return await work;
      } catch (error) {
        if (error instanceof Error) ours.add(error);
        throw error;
      }
    },
    isOwn: (error) => error instanceof Error && ours.has(error),
    reasonOf(error) {
      const isOurs = error instanceof SynclineError || (error instanceof Error && ours.has(error));
      return isOurs ? error : toRedisError(error);
    },
  };
}
