import type { Worker } from "bullmq";

const REST_MS = 1_000;

/** Makes a worker take no jobs for a while; those under way go on. */
export type Rest = (ms: number) => void;

/**
 * Passes a worker's errors on, and lets it rest when Redis has refused it something: a Redis that is full, read-only or
 * reading its data does so for a while, and BullMQ would ask again at once, thousands of times a second.
 *
 * @returns what makes it rest for other reasons; the longest rest counts
 */
export function pauseOnRedisError(
  worker: Pick<Worker, "on" | "once" | "pause" | "resume">,
  onError: (error: Error) => void,
): Rest {
  let rest: NodeJS.Timeout | undefined;
  let restUntilMs = 0;
  let isClosing = false;
  const restFor: Rest = (ms) => {
    const untilMs = performance.now() + ms;
    if (isClosing || untilMs <= restUntilMs) return;
    restUntilMs = untilMs;
    clearTimeout(rest);
    rest = setTimeout(() => void goOn(), ms);
    void worker.pause(true);
  };
  worker.on("error", (error) => {
    onError(error);
    if (error.name === "ReplyError" && rest === undefined) restFor(REST_MS);
  });
  worker.once("closing", () => {
    isClosing = true;
    clearTimeout(rest);
  });
  return restFor;

  async function goOn(): Promise<void> {
    rest = undefined;
    await worker.resume(); // tells of its errors as events
  }
}
