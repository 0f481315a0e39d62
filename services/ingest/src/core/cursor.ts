import { z } from "zod";

/** Encodes a position in a listing as an opaque string. */
export function writeCursor(keys: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(keys)).toString("base64url");
}

/** A string in a position. The server writes no control characters, and Postgres rejects one of them. */
export const placeTextSchema = z.string().regex(/^\P{Cc}*$/u);

/**
 * Decodes a cursor of {@link writeCursor}. Returns `undefined` for any other text; the caller checks the position's
 * elements.
 */
export function readCursor(cursor: string): unknown {
  try {
    const keys = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
    // Decoding skips characters outside the alphabet.
    return Array.isArray(keys) && writeCursor(keys) === cursor ? keys : undefined;
  } catch {
    return undefined;
  }
}
