import type { Worker } from "bullmq";

const REST_MS = 1_000;

/** Pauses a worker; jobs in progress continue. */
export type Rest = (ms: number) => void;

/**
 * Passes a worker's errors on, and pauses the worker after an error reply. A Redis that is full, read-only or loading
 * stays so for a while, and BullMQ would retry immediately, thousands of times a second.
 *
 * @returns a function that pauses the worker for other reasons; the longest pause counts
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
    await worker.resume(); // emits its errors as events
  }
}
