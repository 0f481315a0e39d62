import { z } from "zod";

/** Writes a place in a listing as one opaque word. */
export function writeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** A text in a place: what the server wrote has no control characters, and Postgres refuses one of them. */
export const placeTextSchema = z.string().regex(/^\P{Cc}*$/u);

/**
 * Reads what {@link writeCursor} wrote. `undefined` for a text that it cannot have written; the caller checks what the
 * place holds.
 */
export function readCursor(cursor: string): unknown {
  try {
    const place = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
    // Decoding leaves out whatever is not of the alphabet.
    return Array.isArray(place) && writeCursor(place) === cursor ? place : undefined;
  } catch {
    return undefined;
  }
}
