/** Something the reader of the message can put right; it is shown without a stack trace. */
export class StackError extends Error {
  override readonly name = "StackError";
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
