import type { ProblemType } from "./problem.ts";

/**
 * Explains every problem to a client's developer: the cells of the table in docs/errors.md. Apart from
 * {@link PROBLEMS}, so that a browser does not load it.
 */
export const PROBLEM_HELP: Readonly<Record<ProblemType, { cause: string; advice: string }>> = {
  "not-json": {
    cause: "the body, or the request itself, cannot be read: not UTF-8, not JSON, broken compression",
    advice: "correct the request",
  },
  unauthorized: {
    cause: "no token; or one that is invalid, has expired, or lacks `sub`, `workspaces` or `exp`",
    advice: "get a new token, then send it again",
  },
  forbidden: {
    cause: "a decision on a conflict of another subject's device, by a writer",
    advice: "let that subject or an admin decide",
  },
  "workspace-forbidden": {
    cause: "the token does not name the workspace, so its subject has no access",
    advice: "do not send it again with this token. Operations for this workspace cannot be sent any more",
  },
  "role-insufficient": {
    cause: "the role that the token grants in the workspace does not suffice; `detail` names both",
    advice: "keep the operations, continue to read, and send them again with a token that grants the role",
  },
  "device-taken": {
    cause: "another subject used the `device_id` in this workspace first",
    advice: "make a new `device_id` for this subject, and send the operations under it",
  },
  "override-not-allowed": {
    cause:
      "`on_conflict` names a strategy that the [policy](policies.md) of the collection of `operation` does not let this token choose",
    advice: "leave `on_conflict` out, or send the policy's own strategy or `report`",
  },
  "not-found": {
    cause: "no such route, document, batch or conflict; or it belongs to another workspace",
    advice: "if a batch was answered 202: send it again",
  },
  "method-not-allowed": {
    cause: "the path does not take this method; `Allow` names the accepted ones",
    advice: "use one of these",
  },
  "merge-too-costly": {
    cause:
      "a decision for `local` or `merged` of a conflict whose device sent more than can be replayed or merged within bounds",
    advice: "decide with `server` or `data`",
  },
  "too-many-held": {
    cause:
      "1,000 operations of the device, or 16 MiB, wait behind its conflict on the document that `operation` names",
    advice: "after `Retry-After`; other documents continue in other batches",
  },
  "too-many-waiting": {
    cause: "the limit on waiting operations of the workspace is reached",
    advice:
      "send it again after `Retry-After`, or wait for the operations in progress ([overload.md](overload.md))",
  },
  "request-timeout": {
    cause: "the body came more slowly than `BODY_BYTES_PER_SECOND_MIN`; the connection is closed",
    advice: "send it again over a better connection, or in smaller batches",
  },
  "share-exceeded": {
    cause:
      "the token's subject, or the client's address, has used up its share of an ingest's requests, memory for bodies, streams or snapshots; `detail` names it",
    advice:
      "let some of your requests end, and send it again after `Retry-After` ([overload.md](overload.md#shares))",
  },
  "rate-limited": {
    cause: "the rate limit of the workspace or of the token's subject is exceeded; `detail` names it",
    advice: "send it again after `Retry-After`. `RateLimit` has the remaining amount",
  },
  "not-replayable": {
    cause: "the operation did not end as `error`, or was part of a group; `detail` has the reason",
    advice: "if it was part of a group: send the group again under new `client_id`s",
  },
  "decision-outdated": {
    cause:
      "the document or the conflict has changed since the decision was made, or the conflict is being merged; `current_version` and `conflict_status` have the current state",
    advice: "read the conflict again, and decide under a new `client_id`",
  },
  "history-gone": {
    cause: "the feed no longer has the changes after `since`",
    advice: "start again from `snapshot`",
  },
  "epoch-changed": {
    cause: "the database was restored, and has another history",
    advice: "start again from `snapshot`",
  },
  "cursor-ahead": {
    cause:
      "the feed ends before `since` or `Last-Event-ID`: the database was restored, or the workspace erased",
    advice: "start again from `snapshot`",
  },
  "too-large": {
    cause:
      "more than 10 MiB, compressed or not, more than 500,000 values and keys, or more than 100 operations",
    advice: "send smaller batches",
  },
  "unsupported-media-type": {
    cause: "not `application/json`, or a `Content-Encoding` that is not supported",
    advice: "correct the request",
  },
  "invalid-field": {
    cause: "a field or query parameter is not acceptable; `field` and `operation` name it",
    advice: "correct it. No operation of the batch was accepted",
  },
  internal: {
    cause: "a bug in Syncline; the log has it, under the `X-Request-Id` of the answer",
    advice: "send it again (this is safe), and report it",
  },
  "conflict-service-unavailable": {
    cause: "the conflict service cannot be reached, or took longer than 10 s",
    advice: "try again after `Retry-After`. Only conflict records need it",
  },
  unavailable: {
    cause:
      "a store cannot be reached; or the answer would be 202, but Redis' settings do not keep the batch, or no replica of a cluster has it yet",
    advice: "send it again after `Retry-After`",
  },
  overloaded: {
    cause:
      "the limit on requests in progress or on waiting operations is reached, or Redis has little memory left",
    advice: "send it again after `Retry-After`, with some jitter. No operation was accepted",
  },
};
