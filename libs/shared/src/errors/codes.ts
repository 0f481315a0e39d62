/**
 * What an error means to the machinery:
 * `retry` the work is tried again later, as it is; `reject` the operation is at fault and its siblings go on;
 * `deployment` a store does not fit this version: drains stop until a person has acted; `fatal` a bug of ours: no retry
 * mends it.
 */
export type Disposition = "retry" | "reject" | "deployment" | "fatal";

interface ErrorCode {
  disposition: Disposition;
  /** What went wrong, for the reader of a log. */
  meaning: string;
}

/** Every code an operating failure can have. Dashboards and alerts name these strings: add, never rename. */
export const ERROR_CODES = {
  SYN_POSTGRES_UNAVAILABLE: {
    disposition: "retry",
    meaning: "Postgres did not answer, or ended the connection",
  },
  SYN_POSTGRES_CONTENTION: { disposition: "retry", meaning: "A lock, deadlock or serialization failure" },
  SYN_POSTGRES_LIMIT: {
    disposition: "retry",
    meaning: "A statement took longer, or more memory, than it may: the window is committed in smaller parts",
  },
  SYN_POSTGRES_UNEXPECTED: {
    disposition: "retry",
    meaning: "A failure of Postgres that nobody foresaw, such as a damaged row: a person should look",
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
    meaning: "The documents of a window take too much memory together: it is committed in parts",
  },
  SYN_WORKSPACE_COSTLY: {
    disposition: "retry",
    meaning: "A workspace's operations take long: it is committed apart, so that no other waits for it",
  },
  SYN_REDIS_UNAVAILABLE: { disposition: "retry", meaning: "Redis did not answer, or refused to write" },
  SYN_REDIS_UNEXPECTED: {
    disposition: "retry",
    meaning: "A failure of Redis that nobody foresaw, such as a key of another type: a person should look",
  },
  SYN_REDIS_DEPLOYMENT: {
    disposition: "deployment",
    meaning: "Redis' version, users or settings do not fit this version",
  },
  SYN_OPERATION_REFUSED: {
    disposition: "reject",
    meaning: "Postgres refuses to store what this operation says",
  },
  SYN_INVARIANT: { disposition: "fatal", meaning: "Something that must hold did not" },
} as const satisfies Record<string, ErrorCode>;

export type ErrorCodeName = keyof typeof ERROR_CODES;
