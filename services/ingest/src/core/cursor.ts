import { z } from "zod";

/** Encodes a position in a listing as an opaque string. */
export function writeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** A string in a position. The server writes no control characters, and Postgres rejects one of them. */
export const placeTextSchema = z.string().regex(/^\P{Cc}*$/u);

/**
 * Decodes a cursor of {@link writeCursor}. Returns `undefined` for any other text; the caller checks the position's
 * elements.
 */
export function readCursor(cursor: string): unknown {
  try {
    const place = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown;
    // Decoding skips characters outside the alphabet.
    return Array.isArray(place) && writeCursor(place) === cursor ? place : undefined;
  } catch {
    return undefined;
  }
}
