import type { BatchResult } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { objectWith, pathOf, request } from "./send-request.ts";
import type {
  ConflictBody,
  ConflictPreviewBody,
  ConflictsBody,
  ConflictSummary,
  DecisionBody,
} from "./wire.ts";

/** The filters of {@link listConflicts}. */
export interface ConflictsQuery {
  status?: ConflictSummary["status"];
  collection?: string;
  document_id?: string;
  device_id?: string;
  /** The `next` of the previous page. */
  before?: string | undefined;
  limit?: number;
}

/** Lists a workspace's conflicts, newest first. */
export function listConflicts(
  connection: Connection,
  workspaceId: string,
  query: ConflictsQuery = {},
  options: RequestOptions = {},
): Promise<Answer<ConflictsBody>> {
  const path = pathOf(["workspaces", workspaceId, "conflicts"], { ...query });
  return request(connection, { method: "GET", path }, options, objectWith("conflicts"));
}

/** Reads a conflict record with its three documents. */
export function readConflict(
  connection: Connection,
  workspaceId: string,
  conflictId: string,
  options: RequestOptions = {},
): Promise<Answer<ConflictBody>> {
  const path = pathOf(["workspaces", workspaceId, "conflicts", conflictId]);
  return request(connection, { method: "GET", path }, options, objectWith("conflict_id"));
}

/** Reads the results that each choice and each strategy would have now. */
export function previewConflict(
  connection: Connection,
  workspaceId: string,
  conflictId: string,
  options: RequestOptions = {},
): Promise<Answer<ConflictPreviewBody>> {
  const path = pathOf(["workspaces", workspaceId, "conflicts", conflictId, "preview"]);
  return request(connection, { method: "GET", path }, options, objectWith("choices"));
}

/** Sends a person's decision. An outdated one is the problem `decision-outdated`. */
export function resolveConflict(
  connection: Connection,
  workspaceId: string,
  conflictId: string,
  decision: DecisionBody,
  options: RequestOptions = {},
): Promise<Answer<BatchResult>> {
  const path = pathOf(["workspaces", workspaceId, "conflicts", conflictId, "resolve"]);
  const parts = { method: "POST", path, body: JSON.stringify(decision) } as const;
  return request(connection, parts, options, objectWith("results"));
}
