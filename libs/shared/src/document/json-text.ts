import { assertInvariant } from "../errors/syncline-error.ts";
import {
  bytesBeyondOne,
  countOut,
  keyBytes,
  presetSize,
  scalarBytes,
  sizeOf,
  textBytes,
  type JsonSize,
} from "./json-size.ts";
import { isJsonObject, setMember, type Json, type JsonObject } from "./json.ts";

/**
 * Places of a value that an operation reads: members of objects by key, and the places in these. An empty map reads no
 * part of the value. An array is read as a whole.
 */
export type Places = ReadonlyMap<string, Places> | typeof WHOLE;
export const WHOLE = "whole";

/** Some places of a document. */
export interface DocumentPart {
  /**
   * The requested members. All other members are one member of it, under a key that no document has, so that a copy keeps
   * them. Its size is the size of the whole.
   */
  readonly value: JsonObject;
  /** Writes a document that was made from {@link value}. */
  readonly write: (document: JsonObject) => string;
}

/** Measures a text; equals `sizeOf` of the parsed value. */
export function sizeOfText(text: string): JsonSize {
  return new TextReader(text, 0).measure();
}

/**
 * Reads some places of a document, and leaves the rest as text. An operation changes a few members of a document; skipping
 * the others takes a twentieth of the time of parsing, copying and writing them.
 *
 * @param text - an object as Postgres or `JSON.stringify` writes it: valid, without duplicate keys
 * @param charsMax - the most characters to parse
 * @returns `undefined` if the places take more characters
 */
export function readPart(text: string, places: Places, charsMax: number): DocumentPart | undefined {
  const reader = new TextReader(text, charsMax);
  const value = reader.read(places) as JsonObject;
  if (reader.charsLeft < 0) return undefined;
  return { value, write: (document) => reader.write(document) };
}

/** The key of the members that were not read. JSON with such a key is rejected. */
const REST = "\u0000";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
/** The most digits of an integer that is written as it is read. */
const PLAIN_DIGITS_MAX = 15;

const ENDS_EARLY = "the text of a document ends early";

/** A range of the text. */
type Span = [start: number, end: number];

/** Scans the text of one value, and counts values and bytes. */
class TextReader {
  charsLeft: number;
  readonly #text: string;
  #at = 0;
  #values = 0;
  #bytes = 0;
  /** The range of each container that was read. */
  readonly #spanByContainer = new Map<Json, Span>();
  /** The texts of the members that were not read, by their stand-in. */
  readonly #restByStandIn = new Map<Json, string>();

  constructor(text: string, charsMax: number) {
    this.#text = text;
    this.charsLeft = charsMax;
  }

  /** Skips the next value. */
  measure(): JsonSize {
    const [values, bytes] = [this.#values, this.#bytes];
    let depth = 0;
    let depthMax = 0;
    let commas = 0;
    do {
      switch (this.#next()) {
        case QUOTE:
          this.#skipString();
          break;
        case OPEN_OBJECT:
        case OPEN_ARRAY:
          this.#values += 1;
          this.#skipMark();
          depth += 1;
          if (depth > depthMax) depthMax = depth;
          break;
        case CLOSE_OBJECT:
        case CLOSE_ARRAY:
          this.#skipMark();
          depth -= 1;
          break;
        case COMMA:
          this.#skipMark();
          if (depth === 1) commas += 1;
          break;
        case COLON:
          this.#skipMark();
          break;
        default:
          this.#skipScalar();
      }
    } while (depth > 0);
    const counted = this.#values - values;
    return { values: counted, bytes: this.#bytes - bytes, depthMax, width: counted > 1 ? commas + 1 : 0 };
  }

  /** Reads the next value. */
  read(places: Places): Json {
    const first = this.#next();
    if (first === OPEN_OBJECT && places !== WHOLE) return this.#readObject(places);
    const start = this.#at;
    const size = this.measure();
    const span: Span = [start, this.#at];
    if (first === OPEN_ARRAY && places !== WHOLE && places.size === 0) return this.#known([], size, span);
    this.charsLeft -= this.#at - start;
    if (this.charsLeft < 0) return null;
    const value = JSON.parse(this.#text.slice(...span)) as Json;
    return typeof value === "object" && value !== null ? this.#known(value, size, span) : value;
  }

  write(value: Json): string {
    const span = this.#spanByContainer.get(value);
    if (span !== undefined) return this.#text.slice(...span);
    if (!isJsonObject(value)) return JSON.stringify(value);
    const members = Object.entries(value).map(
      ([key, member]) => this.#restByStandIn.get(member) ?? `${JSON.stringify(key)}:${this.write(member)}`,
    );
    return `{${joined(members)}}`;
  }

  #readObject(places: ReadonlyMap<string, Places>): JsonObject {
    const [start, values, bytes] = [this.#at, this.#values, this.#bytes];
    const lengths = new Set([...places.keys()].map(({ length }) => length));
    const object: JsonObject = {};
    const rest: Span[] = [];
    let run: Span | undefined;
    let depthMax = 1;
    let width = 0;
    this.#values += 1;
    this.#skipMark();
    for (let next = this.#next(); next !== CLOSE_OBJECT; next = this.#next()) {
      if (next === COMMA) {
        this.#skipMark();
        continue;
      }
      const memberStart = this.#at;
      const key = this.#readKey(lengths);
      this.#next();
      this.#skipMark();
      width += 1;
      const inner = key === undefined ? undefined : places.get(key);
      if (key === undefined || inner === undefined) {
        depthMax = Math.max(depthMax, 1 + this.measure().depthMax);
        if (run === undefined) rest.push((run = [memberStart, this.#at]));
        else run[1] = this.#at;
      } else {
        run = undefined;
        const value = this.read(inner);
        depthMax = Math.max(depthMax, 1 + sizeOf(value).depthMax);
        setMember(object, key, value);
      }
    }
    this.#skipMark();
    const size = { values: this.#values - values, bytes: this.#bytes - bytes, depthMax, width };
    this.#addRest(object, size, rest);
    return this.#known(object, size, [start, this.#at]);
  }

  /** Adds a stand-in for the members that were not read, with their total size. */
  #addRest(object: JsonObject, size: Readonly<JsonSize>, rest: readonly Span[]): void {
    if (rest.length === 0) return;
    const left = { ...size };
    for (const [key, value] of Object.entries(object)) countOut(left, key, sizeOf(value));
    const standIn: Json[] = [];
    presetSize(standIn, {
      values: left.values - 2,
      bytes: left.bytes - 2 - keyBytes(REST),
      depthMax: size.depthMax - 1,
      width: 0,
    });
    this.#restByStandIn.set(standIn, joined(rest.map((span) => this.#text.slice(...span))));
    object[REST] = standIn;
  }

  /** Skips a key, and returns it if it may be a requested one. */
  #readKey(lengths: ReadonlySet<number>): string | undefined {
    const start = this.#at;
    const isEscaped = this.#skipString();
    if (isEscaped) return JSON.parse(this.#text.slice(start, this.#at)) as string;
    return lengths.has(this.#at - start - 2) ? this.#text.slice(start + 1, this.#at - 1) : undefined;
  }

  /** Skips a string. Returns true if it has escapes. */
  #skipString(): boolean {
    const text = this.#text;
    const start = this.#at;
    let end = start + 1;
    let beyond = 0;
    let isEscaped = false;
    for (; end < text.length; end++) {
      const unit = text.charCodeAt(end);
      if (unit === QUOTE) break;
      if (unit > 0x7f) beyond += bytesBeyondOne(unit);
      else if (unit === BACKSLASH) {
        isEscaped = true;
        end += 1;
      }
    }
    assertInvariant(end < text.length, ENDS_EARLY);
    this.#at = end + 1;
    this.#values += 1;
    this.#bytes += isEscaped
      ? textBytes(JSON.parse(text.slice(start, this.#at)) as string)
      : this.#at - start + beyond;
    return isEscaped;
  }

  #skipScalar(): void {
    const text = this.#text;
    const start = this.#at;
    let digits = 0;
    let end = start;
    for (; end < text.length; end++) {
      const unit = text.charCodeAt(end);
      if (unit >= ZERO && unit <= NINE) digits += 1;
      else if (unit === COMMA || unit === CLOSE_OBJECT || unit === CLOSE_ARRAY || unit <= SPACE) break;
    }
    this.#at = end;
    this.#values += 1;
    const isPlain = digits === end - start && digits <= PLAIN_DIGITS_MAX;
    this.#bytes += isPlain
      ? digits
      : scalarBytes(JSON.parse(text.slice(start, end)) as number | boolean | null);
  }

  #skipMark(): void {
    this.#at += 1;
    this.#bytes += 1;
  }

  /** Returns the first character of the next token. */
  #next(): number {
    let unit = this.#text.charCodeAt(this.#at);
    while (unit <= SPACE) unit = this.#text.charCodeAt(++this.#at);
    assertInvariant(this.#at < this.#text.length, ENDS_EARLY);
    return unit;
  }

  #known<Container extends Json[] | JsonObject>(
    value: Container,
    size: Readonly<JsonSize>,
    span: Span,
  ): Container {
    presetSize(value, size);
    this.#spanByContainer.set(value, span);
    return value;
  }
}

/** Joins long texts without a copy of each. */
function joined(texts: readonly string[]): string {
  return texts.length === 0 ? "" : texts.reduce((one, other) => `${one},${other}`);
}
