import type { FailureKind } from "../ports/answer.ts";

/** The next step after a request that did not bring what it was sent for. */
export type Reaction =
  /** Backoff with full jitter. The server may have taken the request. */
  | "backOff"
  /** After the time that the answer names, plus up to a fifth. */
  | "waitAsTold"
  | "newToken"
  | "accessLost"
  | "stopPushing"
  | "newDevice"
  /** The named operations lose their `onConflict`, once; then they become outcomes. */
  | "dropStrategy"
  | "sendAgain"
  | "readAnew"
  | "halve"
  /** The named operations become outcomes, and the rest is sent again. */
  | "refuseNamed"
  | "fail";

/** The table "answers to a request". A 403 has its own one, by its cause. */
export const ANSWER_TABLE: Readonly<Record<Exclude<FailureKind, "forbidden">, Reaction>> = {
  noAnswer: "backOff",
  unavailable: "backOff",
  overloaded: "waitAsTold",
  unauthorized: "newToken",
  overrideNotAllowed: "dropStrategy",
  notFound: "sendAgain",
  outdated: "refuseNamed",
  gone: "readAnew",
  tooLarge: "halve",
  invalid: "refuseNamed",
  protocol: "fail",
};

/** Causes of a 403. If the answer does not tell the cause, the token's claims do. */
export const FORBIDDEN_TABLE = {
  workspace: "accessLost",
  role: "stopPushing",
  device: "newDevice",
} as const satisfies Record<string, Reaction>;
