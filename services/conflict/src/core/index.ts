/**
 * The pure decisions on conflicts, for the test server of the client.
 *
 * @packageDocumentation
 */
export type { HookReport } from "./merge-conflict.ts";
export type { RecordedCase, RecordedConflict } from "./preview-conflict.ts";
export { plainPolicy, runTask, type MergeStep, type MergeTask, type TaskOutcomes } from "./run-task.ts";
