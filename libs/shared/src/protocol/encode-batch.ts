import type { AcceptedBatch, BatchHead } from "./lane-entry.ts";

/** A batch that is text already: a request that waits holds no values, each of which takes more memory than its text. */
export interface EncodedBatch {
  head: BatchHead;
  /** The {@link AcceptedBatch} as JSON; as UTF-8 if it is large. */
  json: string | Uint8Array;
}

export function encodeBatch(batch: AcceptedBatch): EncodedBatch {
  const operations = batch.operations.map(({ data, patch, ancestor, decision, ...head }) => head);
  return { head: { ...batch, operations }, json: JSON.stringify(batch) };
}
