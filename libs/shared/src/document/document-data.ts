import { presetSize, sizeOf, type JsonSize } from "./json-size.ts";
import { readPart, sizeOfText, WHOLE, type DocumentPart, type Places } from "./json-text.ts";
import { isJsonObject, memberOf, type Json, type JsonObject } from "./json.ts";

/** Characters of a text from which it is worth while to look at it before it is parsed. */
export const LARGE_CHARS_MIN = 4 * 1024;
/** Values from which it is quicker to go past most of a document than to parse it, copy it and write it. */
const LARGE_VALUES_MIN = 1_000;
/** Bytes a value, on average, up to which a new text takes no more memory than a copy that shares its strings. */
const BYTES_A_VALUE_MAX = 64;

/**
 * The data of a document, as text or as a value: either is made of the other when somebody asks for it. It is never changed.
 */
export class DocumentData {
  readonly #text: string | undefined;
  #value: JsonObject | undefined;
  #size: Readonly<JsonSize> | undefined;

  private constructor(text?: string, value?: JsonObject, size?: Readonly<JsonSize>) {
    this.#text = text;
    this.#value = value;
    this.#size = size;
  }

  static of<Value extends JsonObject | null>(value: Value): DocumentData | (Value & null) {
    return value === null ? (null as Value & null) : new DocumentData(undefined, value);
  }

  /**
   * @param text - as Postgres or `JSON.stringify` writes it
   * @param size - if it is known
   */
  static ofText(text: string, size?: Readonly<JsonSize>): DocumentData {
    return new DocumentData(text, undefined, size);
  }

  get text(): string {
    // A text that is written once is not kept: a window may write a hundred.
    return this.#text ?? JSON.stringify(this.#value);
  }

  get value(): JsonObject {
    if (this.#value === undefined) {
      this.#value = JSON.parse(this.text) as JsonObject;
      if (this.#size !== undefined) presetSize(this.#value, this.#size);
    }
    return this.#value;
  }

  get size(): Readonly<JsonSize> {
    return (this.#size ??= this.#value === undefined ? sizeOfText(this.text) : sizeOf(this.#value));
  }

  /** Reads some places, if that spares most of the work of reading the whole. */
  read(places: Places): DocumentPart | undefined {
    const { values, bytes } = this.size;
    if (values < LARGE_VALUES_MIN || bytes > BYTES_A_VALUE_MAX * values) return undefined;
    if (this.#text === undefined && bytesAt(this.value, places) > bytes / 2) return undefined;
    const { text } = this;
    return readPart(text, places, text.length / 2);
  }
}

/** The bytes of what has to be read to look at some places. */
function bytesAt(value: Json | undefined, places: Places): number {
  if (value === undefined) return 0;
  if (places === WHOLE || !(isJsonObject(value) || Array.isArray(value))) return sizeOf(value).bytes;
  if (Array.isArray(value)) return places.size === 0 ? 0 : sizeOf(value).bytes;
  return [...places].reduce((sum, [key, inner]) => sum + bytesAt(memberOf(value, key), inner), 0);
}
