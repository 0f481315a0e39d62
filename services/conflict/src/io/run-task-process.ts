import { runTask, type MergeTask } from "../core/run-task.ts";
import type { TaskMessage } from "./merger.ts";

// The process that merges run in: says that it is ready, and takes one task after the other.

// A signal to all of the service's processes is for the service: what is being asked is still to be answered.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.once("disconnect", () => process.exit());
// Node would print the message, which may quote a document.
process.on("uncaughtException", () => process.exit(1));

process.on("message", (task: MergeTask) => {
  process.send?.({ kind: "done", outcome: runTask(task) } satisfies TaskMessage);
});
process.send?.({ kind: "ready" });
