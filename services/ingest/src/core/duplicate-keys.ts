import type { Json } from "@syncline/shared";

/** The beginning of a colon that a text does not show as one; also of others, which does no harm. */
const ESCAPED_COLON = "\\u003";

/**
 * Finds the first key that an object names twice, of which parsing kept the last value alone.
 *
 * Outside of strings a colon stands behind each key, and nowhere else. So where a text has as many colons as the value
 * that was read from it, none of its keys was lost, and that is all that is looked at nearly always.
 *
 * @param text - valid JSON
 * @param value - what it was parsed to
 * @returns the path to the key, or `undefined` where there is none
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

/** Every batch passes here: keys and strings are looked at before they are searched, which costs less. */
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

/** An object or array that the scan is in, and the key or index that it is at. */
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

/** Where the string that begins here has ended. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return index + 1;
}

/** Only a key is followed by a colon. */
function isKey(text: string, end: number): boolean {
  let index = end;
  while (/\s/.test(text[index] ?? "")) index++;
  return text[index] === ":";
}
