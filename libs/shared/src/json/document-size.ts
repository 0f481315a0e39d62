import { jsonEqual } from "./json-equal.ts";
import type { Json, JsonObject } from "./json.ts";

/** Most bytes of a document, as JSON. A batch may touch a hundred, and a worker with 1 GiB of memory has to hold them. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;
/** Most values and keys of a document: each takes up to 64 bytes of memory, however short it is as JSON. */
export const DOCUMENT_VALUES_MAX = 50_000;
/** What an operation, or a merge, is told that makes a document too large. */
export const TOO_LARGE = `The document would have more than ${DOCUMENT_BYTES_MAX} bytes as JSON, or more than ${DOCUMENT_VALUES_MAX} values and keys`;

/** Most bytes that JSON has for a character (`\u0001`), for quotes, a colon and a comma, and for a number and a comma. */
const CHARACTER_BYTES_MAX = 6;
const AROUND_BYTES_MAX = 4;
const NUMBER_BYTES_MAX = 26;

/**
 * Tells whether a document is larger than any may be. What one operation grows, a batch of them would grow without end, and
 * each of its changes holds the whole document.
 *
 * Nearly all documents are so small that counting their characters is enough. Only of the others is the JSON written.
 */
export function isTooLarge(document: JsonObject): boolean {
  const size = { values: 0, bytes: 0 };
  addSize(document, size);
  // The document itself is none of its values.
  if (size.values - 1 > DOCUMENT_VALUES_MAX) return true;
  if (size.bytes <= DOCUMENT_BYTES_MAX) return false;
  return utf8BytesOf(JSON.stringify(document)) > DOCUMENT_BYTES_MAX;
}

/** Tells whether to write a document makes one too large: what is there already may be, from before there was a bound. */
export function isNewlyTooLarge(document: JsonObject | null, current: JsonObject | null): boolean {
  return document !== null && isTooLarge(document) && !jsonEqual(document, current);
}

/** Adds how many values and keys there are, and how many bytes they have as JSON at most. */
function addSize(value: Json, size: { values: number; bytes: number }): void {
  size.values += 1;
  if (typeof value === "string") size.bytes += value.length * CHARACTER_BYTES_MAX + AROUND_BYTES_MAX;
  else if (typeof value !== "object" || value === null) size.bytes += NUMBER_BYTES_MAX;
  else {
    size.bytes += AROUND_BYTES_MAX;
    if (Array.isArray(value)) for (const item of value) addSize(item, size);
    else {
      for (const key in value) {
        size.values += 1;
        size.bytes += key.length * CHARACTER_BYTES_MAX + AROUND_BYTES_MAX;
        addSize(value[key] ?? null, size);
      }
    }
  }
}

/** Half of a surrogate pair has two of its four bytes. JSON has no half alone. */
function utf8BytesOf(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += 1;
    if (unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff)) bytes += 1;
  }
  return bytes;
}
