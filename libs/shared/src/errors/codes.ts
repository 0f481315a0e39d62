/**
 * The reaction to an error. `retry`: the work is tried again later, unchanged. `reject`: the operation is refused,
 * and its siblings proceed. `deployment`: a store does not fit this version, and drains stop until a person has
 * acted. `fatal`: a bug of ours, which no retry fixes.
 */
export type Disposition = "retry" | "reject" | "deployment" | "fatal";

interface ErrorCode {
  disposition: Disposition;
  /** The cause, for the reader of a log. */
  meaning: string;
}

/** All codes of operating failures. Dashboards and alerts name these strings: add, never rename. */
export const ERROR_CODES = {
  SYN_POSTGRES_UNAVAILABLE: {
    disposition: "retry",
    meaning: "Postgres did not answer, or ended the connection",
  },
  SYN_POSTGRES_CONTENTION: { disposition: "retry", meaning: "A lock, deadlock or serialization failure" },
  SYN_POSTGRES_LIMIT: {
    disposition: "retry",
    meaning: "A statement exceeded its limit of time or memory; the window is committed in smaller parts",
  },
  SYN_POSTGRES_UNEXPECTED: {
    disposition: "retry",
    meaning: "An unexpected failure of Postgres, such as a damaged row; look at Postgres' own log",
  },
  SYN_POSTGRES_DEPLOYMENT: {
    disposition: "deployment",
    meaning: "The database's schema, rights or settings do not fit this version",
  },
  SYN_WORKSPACE_MOVED: {
    disposition: "retry",
    meaning: "Another drain committed to the workspace meanwhile",
  },
  SYN_WINDOW_TOO_LARGE: {
    disposition: "retry",
    meaning: "The documents of a window take too much memory together; the window is committed in parts",
  },
  SYN_WORKSPACE_COSTLY: {
    disposition: "retry",
    meaning:
      "A workspace's operations take long; the workspace is committed apart, so that no other waits for it",
  },
  SYN_REDIS_UNAVAILABLE: { disposition: "retry", meaning: "Redis did not answer, or refused to write" },
  SYN_REDIS_UNEXPECTED: {
    disposition: "retry",
    meaning:
      "An unexpected failure of Redis, such as a key of another type; look at the key that the log names",
  },
  SYN_REDIS_DEPLOYMENT: {
    disposition: "deployment",
    meaning: "Redis' version, users or settings do not fit this version",
  },
  SYN_OPERATION_REFUSED: {
    disposition: "reject",
    meaning: "Postgres refuses to store this operation's data",
  },
  SYN_INVARIANT: { disposition: "fatal", meaning: "An invariant does not hold" },
} as const satisfies Record<string, ErrorCode>;

export type ErrorCodeName = keyof typeof ERROR_CODES;
