import { z } from "zod";

/** Writes a place in a listing as one opaque word. */
export function writeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** A text in a place: what the server wrote has no control characters, and Postgres refuses one of them. */
export const placeTextSchema = z.string().regex(/^\P{Cc}*$/u);

/** Reads what {@link writeCursor} wrote; what it did not write gives anything, and is for the caller to check. */
export function readCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
  } catch {
    return undefined;
  }
}
