import { DOCUMENT_DEPTH_MAX, isTooLarge, TOO_LARGE, type JsonObject } from "@syncline/shared/document";
import { SynclineClientError } from "../public/errors.ts";

const ID_CHARS_MAX = 200;
/** Control characters. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Throws unless the server would accept the id. */
export function checkId(name: string, id: unknown): asserts id is string {
  const isValid =
    typeof id === "string" &&
    id.length > 0 &&
    id.length <= ID_CHARS_MAX &&
    !CONTROL.test(id) &&
    !/^\.\.?$/.test(id);
  if (isValid && id.isWellFormed()) return;
  const shown = JSON.stringify(String(id).slice(0, 50));
  throw new SynclineClientError(
    "invalidId",
    `${name} ${shown} is not 1 to ${ID_CHARS_MAX} characters without control characters, or is "." or ".."`,
  );
}

/**
 * Throws unless the server would store the document. The server refuses a whole batch for one such operation, so none
 * of them is queued.
 */
export function checkDocument(document: unknown, documentId: string): asserts document is JsonObject {
  const issues: string[] = [];
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    issues.push("the document is not an object");
  } else {
    walk(document, "", 1, issues);
    const { id } = document as { id?: unknown };
    if (id !== undefined && id !== documentId) issues.push(`/id is not ${JSON.stringify(documentId)}`);
  }
  if (issues.length > 0) {
    throw new SynclineClientError("validationFailed", `The document cannot be stored: ${issues[0]}`, {
      issues,
    });
  }
  if (isTooLarge(document as JsonObject)) throw new SynclineClientError("documentTooLarge", TOO_LARGE);
}

const ISSUES_MAX = 20;

function walk(value: unknown, path: string, depth: number, issues: string[]): void {
  if (issues.length >= ISSUES_MAX) return;
  const fault =
    typeof value === "object" && value !== null ? walkInto(value, path, depth, issues) : faultOf(value);
  if (fault !== undefined) issues.push(`${path || "the document"} ${fault}`);
}

function walkInto(value: object, path: string, depth: number, issues: string[]): string | undefined {
  if (depth > DOCUMENT_DEPTH_MAX) return `is nested deeper than ${DOCUMENT_DEPTH_MAX} levels`;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) walk(value[at], `${path}/${at}`, depth + 1, issues);
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return "is no plain object";
  for (const [key, inner] of Object.entries(value)) {
    const fault = key === "__proto__" ? "is a reserved key" : faultOf(key);
    if (fault !== undefined) issues.push(`${path}/${key.slice(0, 50)} ${fault}`);
    walk(inner, `${path}/${key.slice(0, 50)}`, depth + 1, issues);
  }
  return undefined;
}

function faultOf(value: unknown): string | undefined {
  if (typeof value === "string") {
    if (value.includes("\u0000")) return "has the character U+0000";
    return value.isWellFormed() ? undefined : "has half of a surrogate pair";
  }
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `is ${value}`;
  return value === null || typeof value === "boolean" ? undefined : `is ${typeof value}`;
}
