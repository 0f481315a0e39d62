import type { EndpointName, ProblemType } from "@syncline/shared/protocol";
import {
  batchSchema,
  conflictBody,
  conflictQuerySchema,
  conflictsBody,
  previewBody,
} from "@syncline/shared/schemas";
import type { z } from "zod";
import { decisionSchema } from "../core/decision-batch.ts";
import { changeEventsQuerySchema } from "../routes/get-change-events.ts";
import { eventsQuerySchema } from "../routes/get-events.ts";
import { batchQuerySchema } from "../routes/batch-feed.ts";
import { changesQuerySchema } from "../routes/get-changes.ts";
import { historyQuerySchema } from "../routes/get-history.ts";
import { snapshotQuerySchema } from "../routes/get-snapshot.ts";
import { operationQuerySchema } from "../routes/find-life.ts";
import { documentsQuerySchema } from "../routes/list-documents.ts";
import { operationsQuerySchema } from "../routes/list-operations.ts";
import {
  batchResultBody,
  changesBody,
  documentBody,
  documentsBody,
  workspacesBody,
  historyBody,
  operationLifeBody,
  operationsBody,
} from "./bodies.ts";

/** Schemas with a name of their own in the document. */
export const SCHEMAS = {
  Batch: batchSchema,
  Decision: decisionSchema,
  BatchResult: batchResultBody,
  Document: documentBody,
  Documents: documentsBody,
  Workspaces: workspacesBody,
  Changes: changesBody,
  History: historyBody,
  OperationLife: operationLifeBody,
  Operations: operationsBody,
  Conflicts: conflictsBody,
  Conflict: conflictBody,
  ConflictPreview: previewBody,
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof SCHEMAS;

/** A successful answer: JSON of a schema, or text of another type. */
type Answer = { description: string } & ({ schema: SchemaName } | { text: string } | object);

/** The request and the answers of a route. */
export interface Contract {
  summary: string;
  query?: z.ZodObject;
  headers?: Record<string, string>;
  body?: SchemaName;
  answers: Record<number, Answer>;
  /** Problems beyond those that every route can answer with. */
  problems: readonly ProblemType[];
}

const MINIMAL = { Prefer: "`return=minimal`: results carry no documents" };
const PREFER = {
  Prefer:
    "Time to wait for the results: `wait=N` in seconds, or `respond-async` for none; `return=minimal`: results carry no documents",
};
const BATCH_ANSWERS: Contract["answers"] = {
  200: { description: "Every operation has its final answer", schema: "BatchResult" },
  202: {
    description: "Accepted and on disk, with operations pending. `Location` is the URL of the batch's status",
    schema: "BatchResult",
  },
};
const BODY_PROBLEMS = ["not-json", "request-timeout", "too-large", "unsupported-media-type"] as const;
/** Problems of requests that put a batch on a lane. */
const LANE_PROBLEMS = ["too-many-waiting", "rate-limited"] as const;
/** The contract of every endpoint of the table. */
export const CONTRACTS: Readonly<Record<EndpointName, Contract>> = {
  getRoot: {
    summary: "Returns the server's name and the paths of this document and the health checks",
    answers: { 200: { description: "Paths by name", text: "application/json" } },
    problems: [],
  },
  getOpenApi: {
    summary: "Returns this document",
    answers: { 200: { description: "OpenAPI 3.1", text: "application/json" } },
    problems: [],
  },
  postBatch: {
    summary: "Sends a batch of operations",
    query: batchQuerySchema,
    headers: PREFER,
    body: "Batch",
    answers: {
      ...BATCH_ANSWERS,
      409: { description: "The batch is atomic and failed; nothing was applied", schema: "BatchResult" },
    },
    problems: [...BODY_PROBLEMS, ...LANE_PROBLEMS, "device-taken", "override-not-allowed", "too-many-held"],
  },
  getBatch: {
    summary: "Returns the status and results of a batch",
    headers: MINIMAL,
    answers: { 200: { description: "The batch, also if it failed", schema: "BatchResult" } },
    problems: ["not-found"],
  },
  getBatchEvents: {
    summary: "Streams the progress of a batch as server-sent events: `progress`, `done`, `end`",
    headers: MINIMAL,
    answers: { 200: { description: "Server-sent events", text: "text/event-stream" } },
    problems: ["not-found"],
  },
  listWorkspaces: {
    summary: "Lists the token's workspaces, each with the token's role in it",
    answers: { 200: { description: "The workspaces", schema: "Workspaces" } },
    problems: [],
  },
  listDocuments: {
    summary: "Lists a collection's documents by id",
    query: documentsQuerySchema,
    answers: { 200: { description: "A page of documents", schema: "Documents" } },
    problems: [],
  },
  getDocument: {
    summary: "Returns a document; its `ETag` is its version",
    headers: { "If-None-Match": "The `ETag` of the known version" },
    answers: {
      200: { description: "The document", schema: "Document" },
      304: { description: "The document has not changed" },
    },
    problems: ["not-found"],
  },
  getHistory: {
    summary: "Lists a document's changes, newest first",
    query: historyQuerySchema,
    answers: { 200: { description: "A page of changes", schema: "History" } },
    problems: ["not-found"],
  },
  getChanges: {
    summary: "Lists every committed change once, in `seq` order",
    query: changesQuerySchema,
    answers: { 200: { description: "A page of changes", schema: "Changes" } },
    problems: ["history-gone", "epoch-changed", "cursor-ahead"],
  },
  getChangeEvents: {
    summary: "Streams changes and conflicts as server-sent events: `change`, `conflict`, `end`",
    query: changeEventsQuerySchema,
    headers: { "Last-Event-ID": "The id of the last received event; the stream resumes after it" },
    answers: { 200: { description: "Server-sent events", text: "text/event-stream" } },
    problems: ["history-gone", "epoch-changed", "cursor-ahead"],
  },
  getEvents: {
    summary:
      "Streams the events of several workspaces as server-sent events: `change`, `conflict`, `settled`, `lost`, `end`",
    query: eventsQuerySchema,
    headers: { "Last-Event-ID": "The id of the last received event of a stream of the same workspaces" },
    answers: { 200: { description: "Server-sent events", text: "text/event-stream" } },
    problems: ["epoch-changed"],
  },
  getSnapshot: {
    summary: "Returns every document, page by page",
    query: snapshotQuerySchema,
    answers: { 200: { description: "A page with one JSON object per line", text: "application/x-ndjson" } },
    problems: ["history-gone", "epoch-changed", "cursor-ahead"],
  },
  listOperations: {
    summary: "Lists the operations that failed or wait, newest first",
    query: operationsQuerySchema,
    answers: { 200: { description: "A page of operations", schema: "Operations" } },
    problems: [],
  },
  getOperation: {
    summary: "Returns the life of an operation",
    query: operationQuerySchema,
    headers: MINIMAL,
    answers: { 200: { description: "The operation", schema: "OperationLife" } },
    problems: ["not-found"],
  },
  replayOperation: {
    summary: "Replays an operation that ended as `error`",
    query: operationQuerySchema,
    headers: PREFER,
    answers: BATCH_ANSWERS,
    problems: [...LANE_PROBLEMS, "not-found", "not-replayable"],
  },
  listConflicts: {
    summary: "Lists the conflict records, newest first",
    query: conflictQuerySchema,
    answers: { 200: { description: "A page of records", schema: "Conflicts" } },
    problems: ["conflict-service-unavailable"],
  },
  getConflict: {
    summary: "Returns a conflict record",
    answers: { 200: { description: "The record", schema: "Conflict" } },
    problems: ["not-found", "conflict-service-unavailable"],
  },
  previewConflict: {
    summary: "Previews the document of each choice and strategy",
    answers: { 200: { description: "The documents by choice and by strategy", schema: "ConflictPreview" } },
    problems: ["not-found", "conflict-service-unavailable"],
  },
  resolveConflict: {
    summary: "Resolves a conflict with a person's decision",
    headers: PREFER,
    body: "Decision",
    answers: BATCH_ANSWERS,
    problems: [
      ...BODY_PROBLEMS,
      ...LANE_PROBLEMS,
      "forbidden",
      "not-found",
      "decision-outdated",
      "conflict-service-unavailable",
    ],
  },
};
