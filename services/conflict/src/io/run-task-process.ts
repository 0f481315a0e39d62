import { runTask, type MergeTask } from "../core/run-task.ts";
import type { TaskMessage } from "./merger.ts";

// The process that runs merges. It reports that it is ready, and runs one task at a time.

// A signal to the whole process group is for the service: the current question must still be answered.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.once("disconnect", () => process.exit());
// Node's default handler would print the message, which may quote a document.
process.on("uncaughtException", () => process.exit(1));

process.on("message", (task: MergeTask) => {
  process.send?.({ kind: "done", outcome: runTask(task) } satisfies TaskMessage);
});
process.send?.({ kind: "ready" });
