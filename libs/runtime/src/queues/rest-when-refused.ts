import type { Worker } from "bullmq";

const REST_MS = 1_000;

/**
 * Passes a worker's errors on, and lets it rest where Redis has refused it something: a Redis that is full, read-only or
 * reading its data does so for a while, and BullMQ would ask again at once, thousands of times a second.
 */
export function restWhenRefused(
  worker: Pick<Worker, "on" | "once" | "pause" | "resume">,
  onError: (error: Error) => void,
): void {
  let rest: NodeJS.Timeout | undefined;
  worker.on("error", (error) => {
    onError(error);
    if (error.name !== "ReplyError" || rest !== undefined) return;
    rest = setTimeout(() => void goOn(), REST_MS);
    // Jobs under way go on.
    void worker.pause(true);
  });
  worker.once("closing", () => clearTimeout(rest));

  async function goOn(): Promise<void> {
    rest = undefined;
    await worker.resume(); // tells of its errors as events
  }
}
