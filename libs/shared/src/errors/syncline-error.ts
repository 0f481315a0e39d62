import type { WorkspaceId } from "../ids/ids.ts";
import { ERROR_CODES, type Disposition, type ErrorCodeName } from "./codes.ts";

/** An operating failure with a stable code. Outcomes that a caller branches on are returned, not thrown. */
export class SynclineError extends Error {
  override readonly name = "SynclineError";
  readonly code: ErrorCodeName;
  /** The workspace that is known to be the cause, if any. */
  readonly workspaceId: WorkspaceId | undefined;
  /** Facts about the failure for its span, beside the code. They contain no payload. */
  readonly attributes: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCodeName,
    message: string,
    options?: ErrorOptions & { workspaceId?: WorkspaceId; attributes?: Readonly<Record<string, string>> },
  ) {
    super(message, options);
    this.code = code;
    this.workspaceId = options?.workspaceId;
    this.attributes = options?.attributes ?? {};
  }

  get disposition(): Disposition {
    return ERROR_CODES[this.code].disposition;
  }
}

/** Returns the disposition of an error. An error without a code is a bug. */
export function dispositionOf(error: unknown): Disposition {
  return error instanceof SynclineError ? error.disposition : "fatal";
}

/** Throws `SYN_INVARIANT` unless the condition holds. */
export function assertInvariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SynclineError("SYN_INVARIANT", message);
}
