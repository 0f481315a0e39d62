import { Problem, fieldProblem } from "@syncline/runtime";
import type { Json } from "@syncline/shared";
import { BODY_VALUES_MAX, parseJson } from "./parse-json.ts";

/** A character takes two bytes of memory at most, and one byte of a body at least. */
export const MEMORY_PER_BYTE = 2;
/** More than a value or key was seen to take, its text included: 108 bytes, where each object had a key of its own. */
export const MEMORY_PER_VALUE = 128;

/** A body, and how many bytes of memory it takes, as long as somebody has it: a bound, and not a measurement. */
export interface JsonBody {
  value: Json;
  memoryBytes: number;
}

/**
 * Parses a body, and refuses what could not be stored as it is.
 * @throws {@link Problem} `not-json`, `too-large` or `invalid-field`
 */
export function readJson(body: Uint8Array): JsonBody {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new Problem("not-json", { detail: "The body is not UTF-8" });
  }
  const parsed = parseJson(text);
  switch (parsed.kind) {
    case "json": {
      const memoryBytes = body.length * MEMORY_PER_BYTE + parsed.values * MEMORY_PER_VALUE;
      return { value: parsed.value, memoryBytes };
    }
    case "not-json":
      throw new Problem("not-json", { detail: "The body cannot be parsed as JSON" });
    case "too-many-values":
      throw new Problem("too-large", {
        detail: `The body holds more than ${BODY_VALUES_MAX} values and keys`,
      });
    case "fault":
      throw fieldProblem(parsed.fault, JSON.parse(text));
    default:
      return parsed satisfies never;
  }
}
