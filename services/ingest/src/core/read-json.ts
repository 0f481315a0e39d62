import { Problem, fieldProblem } from "@syncline/shared/protocol";
import type { Json } from "@syncline/shared/document";
import { BODY_VALUES_MAX, parseJson } from "./parse-json.ts";

/**
 * Parses a body and rejects content that could not be stored unchanged.
 * @throws {@link Problem} `not-json`, `too-large` or `invalid-field`
 */
export function readJson(body: Uint8Array): Json {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new Problem("not-json", { detail: "The body is not UTF-8" });
  }
  const parsed = parseJson(text);
  switch (parsed.kind) {
    case "json":
      return parsed.value;
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
