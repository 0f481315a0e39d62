import type { Key, KeyPart, KeyRange } from "../../ports/index.ts";

// SQLite compares blobs byte by byte. A part is its kind, then bytes that sort as the part does and end by themselves:
// the 8 bytes of a double, or the UTF-16 code units of a string, ended by 0.
const NUMBER = 0x10;
const STRING = 0x20;
/** Less than any part, but more than the end of the key. */
const BEFORE_PARTS = 0x01;
/** More than any part. */
const AFTER_PARTS = 0xff;

const END = 0x00;
/** Precedes the code units 0 and 1, so that they differ from `END`. */
const ESCAPE = 0x01;

export function encodeKey(key: Key): Uint8Array {
  return Uint8Array.from(key.flatMap(encodePart));
}

function encodePart(part: KeyPart): number[] {
  return typeof part === "number" ? encodeNumber(part) : encodeString(part);
}

function encodeNumber(part: number): number[] {
  if (Number.isNaN(part)) throw new RangeError("NaN cannot be part of a key");
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, part === 0 ? 0 : part); // -0 is 0
  return [NUMBER, ...flipBits(new Uint8Array(view.buffer), part < 0)];
}

function decodeNumber(bytes: Uint8Array): number {
  const negative = (bytes[0] as number) < 0x80;
  return new DataView(flipBits(bytes, negative).buffer).getFloat64(0);
}

/** Makes the bytes of doubles sort as the numbers do, or undoes it: negative ones sort downwards without. */
const flipBits = (bytes: Uint8Array, negative: boolean) =>
  bytes.map((byte, i) => byte ^ (negative ? 0xff : i === 0 ? 0x80 : 0));

/** Each code unit as UTF-8 encodes a character (CESU-8), which sorts as JavaScript compares strings. */
function encodeString(part: string): number[] {
  const bytes = [STRING];
  for (let i = 0; i < part.length; i += 1) {
    const unit = part.charCodeAt(i);
    if (unit <= ESCAPE) bytes.push(ESCAPE, unit);
    else if (unit < 0x80) bytes.push(unit);
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  bytes.push(END);
  return bytes;
}

export function decodeKey(bytes: Uint8Array): Key {
  const key: KeyPart[] = [];
  let at = 0;
  const next = () => bytes[at++] as number;
  const low = () => next() & 0x3f;
  while (at < bytes.length) {
    if (next() === NUMBER) {
      key.push(decodeNumber(bytes.subarray(at, (at += 8))));
      continue;
    }
    let text = "";
    for (let byte = next(); byte !== END; byte = next()) {
      let unit = byte;
      if (byte === ESCAPE) unit = next();
      else if (byte >= 0xe0) unit = ((byte & 0x0f) << 12) | (low() << 6) | low();
      else if (byte >= 0x80) unit = ((byte & 0x1f) << 6) | low();
      text += String.fromCharCode(unit);
    }
    key.push(text);
  }
  return key;
}

/** The bounds of a range as encoded keys: from the first, inclusive, to before the second. */
export function encodeRange({ prefix, from, to, fromOpen, toOpen }: KeyRange): [Uint8Array, Uint8Array] {
  const start = prefix.flatMap(encodePart);
  const lower = from !== undefined ? encodePart(from) : to !== undefined ? [BEFORE_PARTS] : [];
  if (from !== undefined && fromOpen === true) lower.push(AFTER_PARTS);
  const upper = to === undefined ? [AFTER_PARTS] : encodePart(to);
  if (to !== undefined && toOpen !== true) upper.push(AFTER_PARTS);
  return [Uint8Array.from([...start, ...lower]), Uint8Array.from([...start, ...upper])];
}
