import { SynclineError, type ErrorCodeName } from "@syncline/shared/protocol";

/**
 * The meaning of Redis' error replies, by their first word. Temporary failures, and those that an operator ends by
 * making room, are retried; wrong permissions, passwords or topology stop the drains until an operator acts.
 */
export const REDIS_FAULTS: Readonly<Record<string, ErrorCodeName>> = {
  // Redis is starting, full, read-only, without its master, or cannot write to its disk.
  ASK: "SYN_REDIS_UNAVAILABLE",
  BUSY: "SYN_REDIS_UNAVAILABLE",
  CLUSTERDOWN: "SYN_REDIS_UNAVAILABLE",
  EXECABORT: "SYN_REDIS_UNAVAILABLE",
  INPROG: "SYN_REDIS_UNAVAILABLE",
  IOERR: "SYN_REDIS_UNAVAILABLE",
  LOADING: "SYN_REDIS_UNAVAILABLE",
  MASTERDOWN: "SYN_REDIS_UNAVAILABLE",
  MISCONF: "SYN_REDIS_UNAVAILABLE",
  MOVED: "SYN_REDIS_UNAVAILABLE",
  NOREPLICAS: "SYN_REDIS_UNAVAILABLE",
  // A restarted Redis has no scripts; the client sends them again.
  NOSCRIPT: "SYN_REDIS_UNAVAILABLE",
  OOM: "SYN_REDIS_UNAVAILABLE",
  READONLY: "SYN_REDIS_UNAVAILABLE",
  TRYAGAIN: "SYN_REDIS_UNAVAILABLE",
  UNBLOCKED: "SYN_REDIS_UNAVAILABLE",
  UNKILLABLE: "SYN_REDIS_UNAVAILABLE",
  // Passwords, permissions and cluster settings.
  CROSSSLOT: "SYN_REDIS_DEPLOYMENT",
  DENIED: "SYN_REDIS_DEPLOYMENT",
  NOAUTH: "SYN_REDIS_DEPLOYMENT",
  NOPERM: "SYN_REDIS_DEPLOYMENT",
  NOPROTO: "SYN_REDIS_DEPLOYMENT",
  WRONGPASS: "SYN_REDIS_DEPLOYMENT",
  // Errors of one key or call: its lane is retried, and the others continue.
  ERR: "SYN_REDIS_UNEXPECTED",
  WRONGTYPE: "SYN_REDIS_UNEXPECTED",
};

/**
 * Replies of a Redis that is too old and, before 7.0, for a user without permission for a command that a script calls.
 */
const MISFITS = /^ERR (unknown (sub)?command|The user executing the script can)/i;

const MESSAGES: Partial<Record<ErrorCodeName, string>> = {
  SYN_REDIS_UNAVAILABLE: "Redis cannot be reached or rejected the command",
  SYN_REDIS_DEPLOYMENT: "The version, users or settings of Redis do not fit this version",
  SYN_REDIS_UNEXPECTED: "Redis failed with an unexpected error",
};

/** Classifies a failure of a Redis command. */
export function toRedisError(cause: unknown): SynclineError {
  const code = codeOf(cause);
  return new SynclineError(code, MESSAGES[code] ?? code, { cause });
}

function codeOf(cause: unknown): ErrorCodeName {
  // The name decides, not the class: BullMQ may bring another copy of the client.
  if (!(cause instanceof Error) || cause.name !== "ReplyError") return "SYN_REDIS_UNAVAILABLE";
  if (MISFITS.test(cause.message)) return "SYN_REDIS_DEPLOYMENT";
  const [word = ""] = cause.message.split(" ", 1);
  return REDIS_FAULTS[word] ?? "SYN_REDIS_UNEXPECTED";
}
