import type { AcceptedBatch, BatchHead } from "./lane-entry.ts";

/** A batch that is already encoded: a waiting request holds text, because parsed values take more memory. */
export interface EncodedBatch {
  head: BatchHead;
  /** The {@link AcceptedBatch} as JSON; as UTF-8 if it is large. */
  json: string | Uint8Array;
}

export function encodeBatch(batch: AcceptedBatch): EncodedBatch {
  const operations = batch.operations.map(({ data, patch, ancestor, decision, ...head }) => head);
  return { head: { ...batch, operations }, json: JSON.stringify(batch) };
}
