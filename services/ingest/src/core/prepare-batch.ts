import { encodeBatch, PRIORITIES, type EncodedBatch } from "@syncline/shared/protocol";
import type { Batch } from "@syncline/shared/schemas";
import { acceptBatch, type Acceptance } from "./accept-batch.ts";
import { readBatch } from "./read-batch.ts";
import { readJson } from "./read-json.ts";

/** A batch encoded for its lane, with further facts that its acceptance needs. */
export interface PreparedBatch extends EncodedBatch {
  /** Lead of the device's clock over the server's, 0 or more. */
  clockSkewMs: number;
  /** True if an operation has a priority above `normal`, so that the lane drains without delay. */
  urgent: boolean;
}

/**
 * Does the work that takes time in proportion to a body: parses and checks the body, and encodes the batch for its
 * lane.
 * @throws {@link Problem} `not-json`, `too-large` or `invalid-field`
 */
export function prepareBatch(body: Uint8Array, acceptance: Acceptance): PreparedBatch {
  const sent = readBatch(readJson(body));
  const { batch, clockSkewMs } = acceptBatch(sent, acceptance);
  return { ...encodeBatch(batch), clockSkewMs, urgent: isUrgent(sent) };
}

function isUrgent(batch: Batch): boolean {
  return batch.operations.some(
    (operation) => PRIORITIES.indexOf(operation.priority) < PRIORITIES.indexOf("normal"),
  );
}
