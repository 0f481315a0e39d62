import { DocumentData, LARGE_CHARS_MIN, type JsonObject } from "@syncline/shared/document";
import { SynclineError } from "@syncline/shared/protocol";
import type { Row } from "./send-pipelined.ts";

/** Throws for the workspace with the most documents that were left out, if any. */
export function requireAllRead(documentRows: readonly Row[]): void {
  const leftOutOf = new Map<string, number>();
  for (const { workspace_id: id, left_out: leftOut } of documentRows) {
    if (leftOut === true) leftOutOf.set(String(id), (leftOutOf.get(String(id)) ?? 0) + 1);
  }
  const [most] = [...leftOutOf].sort(([, one], [, other]) => other - one);
  if (most !== undefined) throw tooLarge(most[0]);
}

/** A document comes as text, so that what is too much is left out by Postgres. */
export function withoutLeftOut({ left_out: leftOut, ...row }: Row): Row {
  if (leftOut === true) throw tooLarge(row["workspace_id"]);
  return row;
}

/** Parses the document of a row. */
export function withData(given: Row): Row {
  const row = withoutLeftOut(given);
  return { ...row, data: typeof row["data"] === "string" ? (JSON.parse(row["data"]) as JsonObject) : null };
}

/** A small document is parsed at once, which is quicker. */
export function dataOf(text: unknown): DocumentData | null {
  if (typeof text !== "string") return null;
  if (text.length >= LARGE_CHARS_MIN) return DocumentData.ofText(text);
  return DocumentData.of(JSON.parse(text) as JsonObject);
}

function tooLarge(workspaceId: unknown): SynclineError {
  const named = typeof workspaceId === "string" ? { workspaceId } : {};
  return new SynclineError(
    "SYN_WINDOW_TOO_LARGE",
    "The documents of the window are too large together",
    named,
  );
}
