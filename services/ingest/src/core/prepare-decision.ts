import { Problem } from "@syncline/shared/protocol";
import { isTooLarge, TOO_LARGE } from "@syncline/shared/document";
import { readDecision, type DecisionBody } from "./decision-batch.ts";
import { readJson } from "./read-json.ts";

/**
 * Parses the body of a decision. Its document has the size of a storable document at most, so that it can be handled as
 * a value.
 * @throws {@link Problem} `not-json`, `too-large` or `invalid-field`
 */
export function prepareDecision(body: Uint8Array): DecisionBody {
  const decision = readDecision(readJson(body));
  if (decision.data != null && isTooLarge(decision.data)) {
    throw new Problem("too-large", { detail: TOO_LARGE, field: "/data" });
  }
  return decision;
}
