import { jsonEqual } from "./json-equal.ts";
import { sizeOf } from "./json-size.ts";
import type { JsonObject } from "./json.ts";

/** Most bytes of a document, as JSON. A batch may touch a hundred, and a worker with 1 GiB of memory has to hold them. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;
/** Most values and keys of a document: each takes up to 64 bytes of memory, however short it is as JSON. */
export const DOCUMENT_VALUES_MAX = 50_000;
/** What an operation, or a merge, is told that makes a document too large. */
export const TOO_LARGE = `The document would have more than ${DOCUMENT_BYTES_MAX} bytes as JSON, or more than ${DOCUMENT_VALUES_MAX} values and keys`;

/**
 * Tells whether a document is larger than any may be. What one operation grows, a batch of them would grow without end, and
 * each of its changes holds the whole document.
 */
export function isTooLarge(document: JsonObject): boolean {
  const { values, bytes } = sizeOf(document);
  // The document itself is none of its values.
  return values - 1 > DOCUMENT_VALUES_MAX || bytes > DOCUMENT_BYTES_MAX;
}

/** Tells whether to write a document makes one too large: what is there already may be, from before there was a bound. */
export function isNewlyTooLarge(document: JsonObject | null, current: JsonObject | null): boolean {
  return document !== null && isTooLarge(document) && !jsonEqual(document, current);
}
