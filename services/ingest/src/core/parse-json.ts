import type { FieldFault } from "@syncline/runtime";
import type { Json } from "@syncline/shared";

export type ParsedJson =
  | { kind: "json"; value: Json }
  | { kind: "not-json"; message: string }
  | { kind: "fault"; fault: FieldFault };

/** Deepest nesting of a document; `data` itself stands three levels deep in a body. */
const DOCUMENT_DEPTH_MAX = 64;
const BODY_DEPTH_MAX = DOCUMENT_DEPTH_MAX + 3;

/** Only a text with one of these can hold a string or key that is refused: NUL, a lone surrogate, `__proto__`. */
const SUSPICIOUS_STRING = /\\u(?:0000|[dD][89a-fA-F]|005[fF])|__proto__/;
/** Only a number this long, or with an exponent this large, can change when it is read as a double. */
const SUSPICIOUS_NUMBER = /\d[\d.]{15,}|\d[eE][+-]?\d{2,}/;

/**
 * Parses JSON and refuses what would not come back as it went in: a number that a double cannot hold, a string that
 * Postgres cannot, a key that reaches into JavaScript's prototypes.
 */
export function parseJson(text: string): ParsedJson {
  let value: unknown;
  try {
    value = SUSPICIOUS_NUMBER.test(text) ? JSON.parse(text, markInexact) : JSON.parse(text);
  } catch (error) {
    return { kind: "not-json", message: error instanceof Error ? error.message : "not JSON" };
  }
  const fault = findFault(value, SUSPICIOUS_STRING.test(text), []);
  return fault === undefined ? { kind: "json", value: value as Json } : { kind: "fault", fault };
}

const INEXACT = Symbol("a number that a double cannot hold");

/** Puts a mark where a number changes, so that the walk, which knows the path, finds it. */
function markInexact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return isExact(context.source, value) ? value : INEXACT;
}

/** Tells whether a number's text and the shortest text of its double name the same value. */
function isExact(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  return normalize(source) === normalize(String(value));
}

/** `12.50e1` becomes `125e0`: digits without zeros at either end, and the exponent that goes with them. */
function normalize(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  if (digits === "") return "0";
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(all.length - digits.length);
  return `${sign}${digits}e${power}`;
}

function findFault(value: unknown, checkStrings: boolean, path: (string | number)[]): FieldFault | undefined {
  if (value === INEXACT) {
    return { path: [...path], message: "is a number that a double cannot hold exactly; send it as a string" };
  }
  if (typeof value === "string") return checkStrings ? stringFault(value, path) : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  if (path.length >= BODY_DEPTH_MAX) {
    return { path: [...path], message: `is nested deeper than ${DOCUMENT_DEPTH_MAX} levels` };
  }
  const entries: Iterable<[string | number, unknown]> = Array.isArray(value)
    ? value.entries()
    : Object.entries(value);
  for (const [key, inner] of entries) {
    path.push(key);
    const fault =
      (checkStrings && typeof key === "string" ? keyFault(key, path) : undefined) ??
      findFault(inner, checkStrings, path);
    if (fault !== undefined) return fault;
    path.pop();
  }
  return undefined;
}

function keyFault(key: string, path: (string | number)[]): FieldFault | undefined {
  if (key === "__proto__") return { path: [...path], message: "is a key that is not allowed" };
  return stringFault(key, path);
}

function stringFault(text: string, path: (string | number)[]): FieldFault | undefined {
  if (text.includes("\u0000"))
    return { path: [...path], message: "holds the character U+0000, which cannot be stored" };
  if (!text.isWellFormed()) return { path: [...path], message: "holds half of a surrogate pair" };
  return undefined;
}
