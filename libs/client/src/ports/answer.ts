/** Facts about an answer beside its body. */
export interface AnswerInfo {
  /** The server's clock, from the header `Date`, if the app may read it. */
  readonly serverTimeMs?: number;
  readonly requestId?: string;
  /** The remaining share of the rate limit, 0 to 1, from the header `RateLimit`. */
  readonly rateLeft?: number;
}

/** A problem's stable facts, for the log and for outcomes. */
export interface FailureInfo extends AnswerInfo {
  readonly status?: number;
  /** The problem's type without `urn:syncline:problem:`. */
  readonly problem?: string;
  /** A sentence for people. */
  readonly detail?: string;
}

/**
 * A request that did not bring what it was sent for. Each kind is a row of the table in `core/answer-table.ts`. A
 * transport returns these as values. It throws only if it is itself at fault.
 */
export type Failure = FailureInfo &
  (
    | {
        /** No answer came: a network error, an aborted request, a body that was cut off. */
        readonly kind: "noAnswer";
      }
    | {
        /** 408, 500, 502, or 503 `unavailable`: the request may or may not have been taken. */
        readonly kind: "unavailable";
        readonly retryAfterMs?: number;
      }
    | {
        /** 429, or 503 `overloaded`: nothing was accepted. */
        readonly kind: "overloaded";
        readonly retryAfterMs?: number;
        /** The `client_id` that a `too-many-held` names. */
        readonly operation?: string;
      }
    | { /** 401 */ readonly kind: "unauthorized" }
    | {
        /** 403. `unknown`: the answer does not tell the cause. */
        readonly kind: "forbidden";
        readonly cause: "workspace" | "role" | "device" | "unknown";
      }
    | {
        /** 403 `override-not-allowed`. */
        readonly kind: "overrideNotAllowed";
        readonly operations: readonly string[];
      }
    | { /** 404 */ readonly kind: "notFound" }
    | { /** 409 `decision-outdated` */ readonly kind: "outdated" }
    | {
        /** 410. */
        readonly kind: "gone";
        readonly cause: "history" | "epoch" | "cursor";
      }
    | { /** 413 */ readonly kind: "tooLarge" }
    | {
        /** 422 that names operations (`client_id`s) at fault: nothing of the batch was accepted. */
        readonly kind: "invalid";
        readonly operations: readonly string[];
      }
    | {
        /** An answer that the client cannot have caused, or cannot read: 400, 415, 422 that names none, no JSON. */
        readonly kind: "protocol";
      }
  );

export type FailureKind = Failure["kind"];

export type Answer<Body> = { readonly kind: "ok"; readonly body: Body; readonly info: AnswerInfo } | Failure;
