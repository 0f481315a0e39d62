// The devices' batches, and the keys of their operations.
import type { JsonObject, JsonPatchStep } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import {
  DEFAULT_COLLECTION,
  type DecisionChoice,
  type OperationKind,
  type Priority,
} from "@syncline/shared/protocol";

/** An operation as sent. */
export interface SentOperation {
  operation: OperationKind;
  client_id: string;
  document_id?: string;
  collection?: string;
  data?: JsonObject;
  patch?: JsonPatchStep[];
  expected_version?: number;
  ancestor?: JsonObject;
  timestamp?: number;
  priority?: Priority;
  group?: string;
  on_conflict?: ConflictStrategy;
  /** A person's decision instead of a write. */
  decision?: SentDecision;
}

/** A person's decision as sent. */
export interface SentDecision {
  conflict_id: string;
  choice: DecisionChoice;
  data?: JsonObject | null;
}

/** A batch as sent, without its workspace. */
export interface SentBatch {
  device_id?: string;
  atomic?: boolean;
  on_conflict?: ConflictStrategy;
  epoch?: string;
  operations: SentOperation[];
}

/** A trigger lets Postgres refuse successful operations with such a `client_id`. */
export const REFUSED_PREFIX = "refused_";
/** A UUIDv7 of 2020, beyond the ledger's retention. */
export const EXPIRED_PREFIX = "016f5e66-e800-7000-8000-";

/** The device of an operation: the subject, if none is declared. */
export function deviceOf(batch: SentBatch): string {
  return batch.device_id ?? "subject:alice";
}

/** The key of an operation in the ledger. */
export function keyOf(device: string, clientId: string): string {
  return JSON.stringify([device, clientId]);
}

export function documentKey({ collection, documentId }: { collection: string; documentId: string }): string {
  return JSON.stringify([collection, documentId]);
}

export function collectionOf({ collection }: SentOperation): string {
  return collection ?? DEFAULT_COLLECTION;
}

/** The id that an operation names; a `create` may leave it to its data, or to the server. */
export function namedIdOf({ operation, document_id, data }: SentOperation): string | undefined {
  const inner = operation === "create" ? data?.["id"] : undefined;
  return document_id ?? (typeof inner === "string" ? inner : undefined);
}
