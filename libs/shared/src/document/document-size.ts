import { jsonEqual } from "./json-equal.ts";
import { sizeOf } from "./json-size.ts";
import type { JsonObject } from "./json.ts";

/**
 * The most bytes of a document as JSON. A batch may touch a hundred documents, and a worker with 1 GiB of memory
 * must hold them.
 */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;
/** The most values and keys of a document: each takes up to 64 bytes of memory, however short its JSON. */
export const DOCUMENT_VALUES_MAX = 50_000;
/** The message for an operation, or a merge, that makes a document too large. */
export const TOO_LARGE = `The document would have more than ${DOCUMENT_BYTES_MAX} bytes as JSON, or more than ${DOCUMENT_VALUES_MAX} values and keys`;

/**
 * Reports whether a document exceeds the size limits. Without limits, batches of growing operations could grow a
 * document indefinitely, and each change contains the whole document.
 */
export function isTooLarge(document: JsonObject): boolean {
  const { values, bytes } = sizeOf(document);
  // The document itself is not one of its values.
  return values - 1 > DOCUMENT_VALUES_MAX || bytes > DOCUMENT_BYTES_MAX;
}

/**
 * Reports whether a write makes a document too large. A stored document may already be, from before there was a
 * limit.
 */
export function isNewlyTooLarge(document: JsonObject | null, current: JsonObject | null): boolean {
  return document !== null && isTooLarge(document) && !jsonEqual(document, current);
}
