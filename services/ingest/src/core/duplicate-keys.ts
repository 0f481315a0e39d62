import type { Json } from "@syncline/shared/document";

/** Start of an escaped colon. It also matches other escapes, which only costs a scan. */
const ESCAPED_COLON = "\\u003";

/**
 * Finds the first duplicate key of an object. Parsing keeps only the last value of such a key.
 *
 * Outside strings a colon follows each key and occurs nowhere else. If the text has as many colons as the parsed value,
 * no key was lost. For nearly every text this count is enough.
 *
 * @param text - valid JSON
 * @param value - the parsed text
 * @returns the path to the key, or `undefined` if there is none
 */
export function findDuplicateKey(text: string, value: Json): (string | number)[] | undefined {
  if (!text.includes(ESCAPED_COLON) && colonsIn(text) === colonsOf(value)) return undefined;
  return scan(text);
}

function colonsIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(":"); at !== -1; at = text.indexOf(":", at + 1)) count++;
  return count;
}

/**
 * Counts the colons that a value's JSON text has. Keys and strings are checked with `includes` first, which costs less.
 */
function colonsOf(value: Json): number {
  if (typeof value === "string") return value.includes(":") ? colonsIn(value) : 0;
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const inner of value) count += colonsOf(inner);
    return count;
  }
  for (const key in value) {
    count += 1 + colonsOf(value[key] as Json);
    if (key.includes(":")) count += colonsIn(key);
  }
  return count;
}

/** An object or array around the scan's position, with the current key or index. */
interface Frame {
  keys: Set<string> | undefined;
  at: string | number;
}

function scan(text: string): (string | number)[] | undefined {
  const frames: Frame[] = [];
  for (let index = 0; index < text.length; index++) {
    const frame = frames.at(-1);
    switch (text.charAt(index)) {
      case "{":
        frames.push({ keys: new Set(), at: "" });
        break;
      case "[":
        frames.push({ keys: undefined, at: 0 });
        break;
      case "}":
      case "]":
        frames.pop();
        break;
      case ",":
        if (typeof frame?.at === "number") frame.at++;
        break;
      case '"': {
        const end = endOfString(text, index);
        if (frame?.keys !== undefined && isKey(text, end)) {
          const key = JSON.parse(text.slice(index, end)) as string;
          frame.at = key;
          if (frame.keys.has(key)) return frames.map(({ at }) => at);
          frame.keys.add(key);
        }
        index = end - 1;
        break;
      }
      default:
    }
  }
  return undefined;
}

/** Returns the index after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return index + 1;
}

/** Reports whether the string before `end` is a key: only keys are followed by a colon. */
function isKey(text: string, end: number): boolean {
  let index = end;
  while (/\s/.test(text[index] ?? "")) index++;
  return text[index] === ":";
}
