import type { CollectionName } from "../ids/ids.ts";
import type { JsonObject } from "../document/json.ts";
import type { ConflictStrategy } from "../merge/conflict-strategy.ts";
import type { AcceptedOperation } from "./lane-entry.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import type { OperationKind } from "./operation-kind.ts";

/** An operation as its device sent it, with wire names, and with the values that the server filled in. */
export interface SentOperationBody {
  client_id: string;
  operation: OperationKind;
  collection: CollectionName;
  document_id: string;
  data?: JsonObject;
  patch?: JsonPatchStep[];
  expected_version?: number;
  ancestor?: JsonObject;
  /** The timestamp in milliseconds since 1970, clamped to the server's clock. */
  timestamp?: number;
  group?: string;
  on_conflict?: ConflictStrategy;
}

/** Returns an accepted operation as it was sent. */
export function sentOperation(accepted: AcceptedOperation): SentOperationBody {
  const { clientId, kind, collection, documentId, data, patch } = accepted;
  const { expectedVersion, ancestor, timestampMs, group, onConflict } = accepted;
  return {
    client_id: clientId,
    operation: kind,
    collection,
    document_id: documentId,
    ...(data === undefined ? {} : { data }),
    ...(patch === undefined ? {} : { patch }),
    ...(expectedVersion === undefined ? {} : { expected_version: expectedVersion }),
    ...(ancestor === undefined ? {} : { ancestor }),
    ...(timestampMs === undefined ? {} : { timestamp: timestampMs }),
    ...(group === undefined ? {} : { group }),
    ...(onConflict === undefined ? {} : { on_conflict: onConflict }),
  };
}
