import type { Json, JsonObject } from "./json.ts";

/** The size of a value as a tree: an inner value that two places share counts at each. */
export interface JsonSize {
  /** The number of values and keys, the value itself included. */
  values: number;
  /** The length of its JSON in UTF-8 bytes. */
  bytes: number;
  /** The deepest nesting of containers; may be too high after a member was removed. */
  depthMax: number;
  /** The number of its own members or items. */
  width: number;
}

/** Smaller containers are measured again faster than remembered. */
const REMEMBERED_VALUES_MIN = 32;
const sizeByContainer = new WeakMap<object, Readonly<JsonSize>>();

/**
 * Measures a value that will not change any more. Sizes of larger containers are remembered, so that a document
 * which shares most of its values with another is not walked again.
 */
export function sizeOf(value: Json): Readonly<JsonSize> {
  if (typeof value !== "object" || value === null) {
    return { values: 1, bytes: scalarBytes(value), depthMax: 0, width: 0 };
  }
  return sizeByContainer.get(value) ?? measure(value);
}

/** Remembers the size of a container that was counted while it was made. */
export function rememberSize(container: Json[] | JsonObject, size: Readonly<JsonSize>): void {
  if (size.values >= REMEMBERED_VALUES_MIN) sizeByContainer.set(container, size);
}

/** Gives a container the size of what it stands for. */
export function presetSize(container: Json[] | JsonObject, size: Readonly<JsonSize>): void {
  sizeByContainer.set(container, size);
}

/** Adds a member to the size of its holder; `key` is `undefined` in an array. */
export function countIn(holder: JsonSize, key: string | undefined, member: Readonly<JsonSize>): void {
  holder.values += valuesOf(key, member);
  holder.bytes += bytesOf(key, member) + (holder.width === 0 ? 0 : 1);
  holder.depthMax = Math.max(holder.depthMax, 1 + member.depthMax);
  holder.width += 1;
}

/** Subtracts a removed member from the size of its holder. */
export function countOut(holder: JsonSize, key: string | undefined, member: Readonly<JsonSize>): void {
  holder.width -= 1;
  holder.values -= valuesOf(key, member);
  holder.bytes -= bytesOf(key, member) + (holder.width === 0 ? 0 : 1);
}

function measure(container: Json[] | JsonObject): Readonly<JsonSize> {
  const size: JsonSize = { values: 1, bytes: 2, depthMax: 1, width: 0 };
  if (Array.isArray(container)) for (const item of container) count(size, undefined, item);
  else for (const key in container) count(size, key, container[key] ?? null);
  rememberSize(container, size);
  return size;
}

/** Adds a value to a size. Creates no object for a scalar, because most values are scalars. */
function count(size: JsonSize, key: string | undefined, value: Json): void {
  if (typeof value === "object" && value !== null) {
    countIn(size, key, sizeOf(value));
    return;
  }
  size.values += key === undefined ? 1 : 2;
  size.bytes += scalarBytes(value) + keyBytes(key) + (size.width === 0 ? 0 : 1);
  size.width += 1;
}

function valuesOf(key: string | undefined, { values }: Readonly<JsonSize>): number {
  return key === undefined ? values : values + 1;
}

function bytesOf(key: string | undefined, { bytes }: Readonly<JsonSize>): number {
  return bytes + keyBytes(key);
}

export function keyBytes(key: string | undefined): number {
  return key === undefined ? 0 : textBytes(key) + 1;
}

export function scalarBytes(value: string | number | boolean | null): number {
  if (typeof value === "string") return textBytes(value);
  if (typeof value === "number")
    return value >= 0 && value < 10 && value % 1 === 0 ? 1 : String(value).length;
  return value === false ? 5 : 4;
}

/** Characters that take more than one byte in JSON or UTF-8. */
const LONGER = /[^ !#-[\]-~]/;

export function textBytes(text: string): number {
  return LONGER.test(text) ? utf8BytesOf(JSON.stringify(text)) : text.length + 2;
}

/**
 * Returns the length of a text in UTF-8. Each half of a surrogate pair has two of its four bytes; JSON texts have
 * no unpaired half.
 */
function utf8BytesOf(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) bytes += bytesBeyondOne(text.charCodeAt(at));
  return bytes;
}

/** The bytes of a UTF-16 code unit in UTF-8, less one: half of a surrogate pair has two of its four. JSON has no half alone. */
export function bytesBeyondOne(unit: number): number {
  if (unit <= 0x7f) return 0;
  return unit <= 0x7ff || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
}
