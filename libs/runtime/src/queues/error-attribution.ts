import { SynclineError } from "@syncline/shared";
import { toRedisError } from "../redis/redis-error.ts";

/**
 * Tells what a job's own work has thrown from what went wrong around it: a job that Redis has lost, or an answer that did not
 * come when it was to be put aside. That is Redis' doing, and no mistake of ours.
 */
export interface ErrorAttribution {
  /** Notes what the work throws. */
  watch<T>(work: Promise<T>): Promise<T>;
  /** Why a job has failed. */
  reasonOf(error: unknown): Error;
  /** Whether the job's own work has thrown it. */
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
