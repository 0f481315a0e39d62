/**
 * A client's next step after an operation that did not succeed:
 * `resend-new` a corrected operation under a new `client_id`; `read-and-resend` the same after reading the document;
 * `wait` the answer changes by itself; `ask-person` a person decides the conflict.
 */
export const ERROR_ACTIONS = ["resend-new", "read-and-resend", "wait", "ask-person"] as const;
export type ErrorAction = (typeof ERROR_ACTIONS)[number];

interface OperationErrorInfo {
  /** The status of a result that carries the type. */
  status: "error" | "conflict";
  action: ErrorAction;
  /** Both are table cells of docs/errors.md. */
  cause: string;
  advice: string;
}

const CONFLICT_ADVICE = "read the document, apply the change to it, and send that under a new `client_id`";

/** Every `error_type` of an operation's result. Clients branch on these names: add, never rename. */
export const OPERATION_ERRORS = {
  document_not_found: {
    status: "error",
    action: "resend-new",
    cause: "an update of a document that never existed, without `ancestor`",
    advice: "`create` or `put` the document",
  },
  patch_failed: {
    status: "error",
    action: "read-and-resend",
    cause:
      "a step of the JSON Patch does not fit the document, or the result is no JSON object or is nested too deep",
    advice: "read the document and make a new patch",
  },
  operation_too_costly: {
    status: "error",
    action: "resend-new",
    cause:
      "the operation, or the merges of its group, take more work than an operation may cost; `error` says which ([operation cost](protocol/sending.md#operation-cost))",
    advice:
      "send the outcome instead of the steps that lead to it: a merge patch, or a `put`; merge fewer large documents in one group",
  },
  document_too_large: {
    status: "error",
    action: "resend-new",
    cause:
      "the document would exceed 1 MiB as JSON, or 50,000 values and keys ([document size](protocol/sending.md#document-size))",
    advice: "split the document, or remove something from it first",
  },
  schema_violation: {
    status: "error",
    action: "resend-new",
    cause:
      "the document would violate the schema of its collection; `error` names the places ([schemas](policies.md#schemas))",
    advice: "correct the values",
  },
  id_mismatch: {
    status: "error",
    action: "resend-new",
    cause: "the JSON Patch would make `data.id` differ from the document's id",
    advice: "leave `id` unchanged",
  },
  client_id_reused: {
    status: "error",
    action: "resend-new",
    cause:
      "the `client_id` was used before, with other content; or it was `skipped`, and comes again without its group",
    advice: "use a new `client_id`; send the operations of a group together, under the same `group`",
  },
  client_id_expired: {
    status: "error",
    action: "read-and-resend",
    cause:
      "the `client_id` is a UUIDv7 from before the ledger's retention: the server cannot tell if it was applied",
    advice: "read the document; if the edit is missing, send it under a new `client_id`",
  },
  operation_refused: {
    status: "error",
    action: "resend-new",
    cause: "Postgres refuses to store it, or it cannot be processed; `error` has the reason",
    advice: "change the operation; if it cannot be processed, the server's log has the reason",
  },
  decision_outdated: {
    status: "conflict",
    action: "ask-person",
    cause:
      "a person's decision whose document or conflict has changed since; answered as the problem `decision-outdated`",
    advice: "look again, and decide under a new `client_id`",
  },
  document_exists: {
    status: "conflict",
    action: "read-and-resend",
    cause: "a create of a document that exists",
    advice: CONFLICT_ADVICE,
  },
  document_deleted: {
    status: "conflict",
    action: "read-and-resend",
    cause: "an update of a document that was deleted, or that this database lost",
    advice: CONFLICT_ADVICE,
  },
  version_mismatch: {
    status: "conflict",
    action: "read-and-resend",
    cause: "others changed the document since `expected_version`",
    advice: CONFLICT_ADVICE,
  },
  version_ahead: {
    status: "conflict",
    action: "read-and-resend",
    cause: "`expected_version` is above the current version",
    advice: `${CONFLICT_ADVICE}; look for a client that predicts versions`,
  },
  other_epoch: {
    status: "conflict",
    action: "read-and-resend",
    cause: "the batch names another `epoch` than the server's",
    advice: `start again from a snapshot, then ${CONFLICT_ADVICE}`,
  },
  behind_conflict: {
    status: "conflict",
    action: "wait",
    cause:
      "the device has a conflict on this document, `conflict_id`, that is unresolved, or was reported to it after it had sent this operation",
    advice:
      "if `conflict_status` is `parked`, wait: the operation joined the conflict, unless it is one of a group. Otherwise `action` is `read-and-resend`: read the document and send the edit again when no operation of the device on it is pending",
  },
  parked: {
    status: "conflict",
    action: "ask-person",
    cause: "a merge is left to a person, or its outcome is too large; `error` says why",
    advice: "show the conflict record to a person",
  },
} as const satisfies Record<string, OperationErrorInfo>;

/** The `error_type` of an operation's result. */
export type ErrorType = keyof typeof OPERATION_ERRORS;

/**
 * Returns the client's next step. An operation behind a parked conflict waits with it. One behind a reported conflict does
 * not, and neither does a group behind one that is being merged.
 *
 * @param conflictStatus - the status of the conflict that a `behind_conflict` names
 */
export function actionOf(errorType: ErrorType, conflictStatus: string | null): ErrorAction {
  if (errorType === "behind_conflict" && conflictStatus !== "parked") return "read-and-resend";
  return OPERATION_ERRORS[errorType].action;
}

/** All error types, for schemas. */
export const ERROR_TYPES = Object.keys(OPERATION_ERRORS) as [ErrorType, ...ErrorType[]];
