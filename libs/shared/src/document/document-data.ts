import { presetSize, sizeOf, type JsonSize } from "./json-size.ts";
import { readPart, sizeOfText, WHOLE, type DocumentPart, type Places } from "./json-text.ts";
import { isJsonObject, memberOf, type Json, type JsonObject } from "./json.ts";

/** The smallest text, in characters, that is measured before it is parsed. */
export const LARGE_CHARS_MIN = 4 * 1024;
/** The fewest values of a document that is scanned instead of parsed, copied and written. */
const LARGE_VALUES_MIN = 1_000;
/** The most bytes a value, on average, with which a new text takes no more memory than a copy that shares its strings. */
const BYTES_A_VALUE_MAX = 64;

/** The data of a document, as text or as a value. Each is made from the other when it is first read. Immutable. */
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
   * @param text - the output of Postgres or `JSON.stringify`
   * @param size - if it is known
   */
  static ofText(text: string, size?: Readonly<JsonSize>): DocumentData {
    return new DocumentData(text, undefined, size);
  }

  get text(): string {
    // Not kept: a window may write a hundred such texts, each once.
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

  /** Reads some places; `undefined` if reading the whole takes little more work. */
  read(places: Places): DocumentPart | undefined {
    const { values, bytes } = this.size;
    if (values < LARGE_VALUES_MIN || bytes > BYTES_A_VALUE_MAX * values) return undefined;
    if (this.#text === undefined && bytesAt(this.value, places) > bytes / 2) return undefined;
    const { text } = this;
    return readPart(text, places, text.length / 2);
  }
}

/** Returns the bytes that reading some places takes. */
function bytesAt(value: Json | undefined, places: Places): number {
  if (value === undefined) return 0;
  if (places === WHOLE || !(isJsonObject(value) || Array.isArray(value))) return sizeOf(value).bytes;
  if (Array.isArray(value)) return places.size === 0 ? 0 : sizeOf(value).bytes;
  return [...places].reduce((sum, [key, inner]) => sum + bytesAt(memberOf(value, key), inner), 0);
}
