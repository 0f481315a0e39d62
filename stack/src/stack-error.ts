/** An error that the user can fix; it is shown without a stack trace. */
export class StackError extends Error {
  override readonly name = "StackError";
}

/** The message of any thrown value. For several failed attempts, that of the first. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/** The meaning of file system errors, and their remedies. */
const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space, or set SYNCLINE_HOME to a folder on another disk",
  EDQUOT: "the disk quota is used up: free some space, or set SYNCLINE_HOME to a folder on another disk",
  EROFS: "the file system is read-only: set SYNCLINE_HOME to a writable folder",
  ENOENT: "a parent folder cannot be created: create it first, or set SYNCLINE_HOME to another folder",
  EACCES:
    "this user lacks the right: run as the user who owns it, or set SYNCLINE_HOME to a folder of this user",
  EPERM:
    "this user lacks the right: run as the user who owns it, or set SYNCLINE_HOME to a folder of this user",
  ENOTDIR: "a file stands in place of a folder: move it away, or set SYNCLINE_HOME to a folder",
  EEXIST: "a file stands in place of a folder: move it away, or set SYNCLINE_HOME to a folder",
  EISDIR: "a folder stands in place of a file: move it away, or set SYNCLINE_HOME to another folder",
  ENAMETOOLONG: "the path is too long: set SYNCLINE_HOME to a shorter one",
  ELOOP: "its symbolic links form a loop: fix them, or set SYNCLINE_HOME to another folder",
  EIO: "the disk reports an error: check it, or set SYNCLINE_HOME to a folder on another disk",
  EMFILE: "too many files are open: raise the limit (ulimit -n)",
};

/** The sentence for the user at the terminal; `undefined` for an error that only its stack explains: a bug. */
export function explainFailure(error: unknown): string | undefined {
  if (error instanceof StackError) return error.message;
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  const fault = FILE_FAULTS[String(error.code)];
  const path = "path" in error ? String(error.path) : "";
  if (fault === undefined || (path === "" && String(error.syscall) !== "write")) return undefined;
  return `${path || "A file"} could not be used (${String(error.code)} on ${String(error.syscall)}): ${fault}.`;
}
