import { encodeBatch, PRIORITIES, type Batch, type EncodedBatch } from "@syncline/shared";
import { acceptBatch, type Acceptance } from "./accept-batch.ts";
import { readBatch } from "./read-batch.ts";
import { readJson } from "./read-json.ts";

/** A batch as it goes to its lane, and what its acceptance needs to know besides. */
export interface PreparedBatch extends EncodedBatch {
  /** How far ahead of ours the device's clock runs, 0 or more. */
  clockSkewMs: number;
  /** Some operation asks not to wait for company. */
  urgent: boolean;
}

/**
 * Does all that takes time in proportion to a body: parses and checks it, and writes the batch as its lane has it.
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
