import type { FieldFault } from "@syncline/shared/protocol";
import { DOCUMENT_DEPTH_MAX, type Json } from "@syncline/shared/document";
import { findDuplicateKey } from "./duplicate-keys.ts";

/** The outcome of parsing a text. */
export type ParsedJson =
  | { kind: "json"; value: Json }
  | { kind: "not-json"; message: string }
  | { kind: "too-many-values" }
  | { kind: "fault"; fault: FieldFault };

/**
 * Limit on the values and keys of a body. Each takes time on one thread, which a 10 MiB body of brackets alone would
 * block for seconds.
 */
export const BODY_VALUES_MAX = 500_000;
/** `data` itself is nested three levels deep in a body. */
const BODY_DEPTH_MAX = DOCUMENT_DEPTH_MAX + 3;

/**
 * Matches every text that may hold a rejected string or key: NUL, a lone surrogate, or `__proto__`, whose letters can
 * each be written as an escape.
 */
const SUSPICIOUS_STRING = /\\u(?:00|[dD][89a-fA-F])|__proto__/;
/**
 * Start of a number so long, or with an exponent so large, that reading it as a double can change it. No part repeats
 * without a bound, because an expression that matches megabytes exhausts the stack. The match includes the character
 * before the number, because ids contain text that looks like a number: `"550e8400-…"`.
 */
const SUSPICIOUS_NUMBER = /(?:^|[[:,\s])(?=-?\d(?:[\d.]{15}|[\d.]{0,14}[eE][+-]?\d{2}))/g;

/**
 * Parses JSON and rejects content that storage would change: a number that a double cannot hold, a string that Postgres
 * cannot store, a key that reaches into JavaScript's prototypes, or a duplicate key.
 */
export function parseJson(text: string): ParsedJson {
  if (text.length > BODY_VALUES_MAX && hasTooManyValues(text)) return { kind: "too-many-values" };
  let value: unknown;
  try {
    value = mayHoldInexact(text) ? JSON.parse(text, markInexact) : JSON.parse(text);
  } catch (error) {
    // `JSON.parse` is not recursive, but its reviver is.
    if (error instanceof RangeError) return { kind: "fault", fault: depthFault([]) };
    return { kind: "not-json", message: error instanceof Error ? error.message : "not JSON" };
  }
  const walk: Walk = { checkStrings: SUSPICIOUS_STRING.test(text), path: [] };
  const fault = findFault(value, walk);
  if (fault !== undefined) return { kind: "fault", fault };
  const twice = findDuplicateKey(text, value as Json);
  if (twice !== undefined) return { kind: "fault", fault: { path: twice, message: "is a duplicate key" } };
  return { kind: "json", value: value as Json };
}

/** Characters of which one precedes every value except the first. */
const BEFORE_VALUES = [",", ":", "[", "{"] as const;

/** Counts these characters in the whole text, and excludes strings only if there are too many. */
function hasTooManyValues(text: string): boolean {
  let left = BODY_VALUES_MAX;
  for (const before of BEFORE_VALUES) {
    for (let at = text.indexOf(before); at !== -1 && left >= 0; at = text.indexOf(before, at + 1)) left--;
  }
  return left < 0 && hasTooManyOutsideStrings(text);
}

function hasTooManyOutsideStrings(text: string): boolean {
  const before = new Set<string>(BEFORE_VALUES);
  let left = BODY_VALUES_MAX;
  let inString = false;
  for (let at = 0; at < text.length && left >= 0; at++) {
    const char = text.charAt(at);
    if (char === '"') inString = !inString;
    else if (inString) at += char === "\\" ? 1 : 0;
    else if (before.has(char)) left--;
  }
  return left < 0;
}

/**
 * Reports whether a number may change when read as a double. A reviver, called for every value, would take longer than
 * all other work here.
 */
function mayHoldInexact(text: string): boolean {
  for (const { 0: before, index } of text.matchAll(SUSPICIOUS_NUMBER)) {
    const start = index + before.length;
    const source = text.slice(start, endOfNumber(text, start));
    // A match inside a string may be any text.
    if (!isExact(source, Number(source))) return true;
  }
  return false;
}

const IN_NUMBERS = new Set("0123456789.eE+-");

function endOfNumber(text: string, start: number): number {
  let end = start;
  while (IN_NUMBERS.has(text.charAt(end))) end++;
  return end;
}

const INEXACT = Symbol("a number that a double cannot hold");

/** Marks each number that changes, so that the walk, which knows the path, finds it. */
function markInexact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return isExact(context.source, value) ? value : INEXACT;
}

/** Reports whether a number's text and the shortest text of its double name the same value. */
function isExact(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  const shortest = String(value);
  return source === shortest || normalize(source) === normalize(shortest);
}

/**
 * Normalizes a number's text: `12.50e1` becomes `125e0`, digits without zeros at either end and the matching exponent.
 */
function normalize(text: string): string {
  // Uses no regular expressions: on a number of megabytes some take quadratic time, and others exhaust the stack.
  const sign = text.startsWith("-") ? "-" : "";
  const [mantissa = "", exponent = "0"] = text.slice(sign.length).toLowerCase().split("e", 2);
  const [whole = "", fraction = ""] = mantissa.split(".", 2);
  const all = whole + fraction;
  let start = 0;
  while (all[start] === "0") start++;
  let end = all.length;
  while (end > start && all[end - 1] === "0") end--;
  if (start === end) return "0";
  // An exponent so large that it is rounded here is far beyond any that a double has.
  const power = Number(exponent) - fraction.length + (all.length - end);
  return `${sign}${all.slice(start, end)}e${power}`;
}

interface Walk {
  checkStrings: boolean;
  /** The path of the current value. */
  path: (string | number)[];
}

function findFault(value: unknown, walk: Walk): FieldFault | undefined {
  const { checkStrings, path } = walk;
  if (value === INEXACT) {
    return { path: [...path], message: "is a number that a double cannot hold exactly; send it as a string" };
  }
  if (typeof value === "string") return checkStrings ? stringFault(value, path) : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  if (path.length >= BODY_DEPTH_MAX) return depthFault(path);
  const entries: Iterable<[string | number, unknown]> = Array.isArray(value)
    ? value.entries()
    : Object.entries(value);
  for (const [key, inner] of entries) {
    path.push(key);
    const fault = keyFault(key, walk) ?? findFault(inner, walk);
    if (fault !== undefined) return fault;
    path.pop();
  }
  return undefined;
}

function depthFault(path: (string | number)[]): FieldFault {
  return { path: [...path], message: `is nested deeper than ${DOCUMENT_DEPTH_MAX} levels` };
}

function keyFault(key: string | number, walk: Walk): FieldFault | undefined {
  if (typeof key === "number") return undefined;
  const { checkStrings, path } = walk;
  if (!checkStrings) return undefined;
  if (key === "__proto__") return { path: [...path], message: "is a key that is not allowed" };
  return stringFault(key, path);
}

function stringFault(text: string, path: (string | number)[]): FieldFault | undefined {
  if (text.includes("\u0000"))
    return { path: [...path], message: "holds the character U+0000, which cannot be stored" };
  if (!text.isWellFormed()) return { path: [...path], message: "holds half of a surrogate pair" };
  return undefined;
}
