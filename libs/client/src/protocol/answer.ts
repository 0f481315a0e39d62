import type { ProblemType } from "@syncline/shared/protocol";

/** Facts that an answer carries in its headers. */
export interface AnswerMeta {
  status: number;
  /** The id that the server's logs name the request by. */
  requestId?: string;
  /** The server's clock, if the platform may read `Date`. */
  serverTimeMs?: number;
  /** The time to wait before the request is sent again. */
  retryAfterMs?: number;
  /** The part of the agreed rate that is left, from 0 to 1. */
  rateLeft?: number;
}

/** A problem of the server (RFC 9457), or a status by which a proxy refuses. */
export interface ProblemAnswer extends AnswerMeta {
  kind: "problem";
  /** The problem's type without its prefix; `undefined` if the answer has no body that names one. */
  type?: ProblemType;
  /** A sentence for people; programs must not parse it. */
  detail?: string;
  /** The `client_id` of the operation at fault. */
  operation?: string;
  /** The field at fault, as an RFC 6901 pointer into the body. */
  field?: string;
  /** All members of the problem. */
  members: Readonly<Record<string, unknown>>;
}

/** A request that has no usable answer: its effect is unknown. */
export type Failure =
  /** The network failed, nothing arrived for too long, or the answer broke off. */
  | { kind: "unreachable"; cause: "network" | "silence" | "broken"; error?: unknown }
  /** Something other than the server answered, for example a captive portal. */
  | ({ kind: "unreadable" } & AnswerMeta)
  /** The connection's `token` rejected. Nothing was sent. */
  | { kind: "token-failed"; error: unknown }
  /** The caller ended the request. */
  | { kind: "aborted" };

/** The answer to a request. Expected failures are values; a request never rejects for them. */
export type Answer<T> = ({ kind: "ok"; body: T } & AnswerMeta) | ProblemAnswer | Failure;
