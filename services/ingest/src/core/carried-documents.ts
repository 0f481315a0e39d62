import type { JsonObject } from "@syncline/shared/document";
import type { OperationResult, Version } from "@syncline/shared/protocol";

/** Largest document that a result carries, in bytes of JSON. */
export const RESULT_BYTES_MAX = 64 * 1024;
/** Limit on the documents that one answer carries, in bytes of JSON. */
export const ANSWER_BYTES_MAX = 1024 * 1024;

/** Documents that results report, by the client id of their operation. */
export type CarriedDocuments = ReadonlyMap<string, JsonObject | null>;

/** A result whose document the device may never have seen, because a merge or a decision made it. */
export type CarryingResult = OperationResult & { version: Version };

/** Picks the results that must carry their document. */
export function carryingOf(results: readonly OperationResult[]): CarryingResult[] {
  return results.filter(
    (result): result is CarryingResult =>
      result.version !== undefined && (result.merged === true || result.decided !== undefined),
  );
}

/**
 * Adds the reported documents to results. A version and its content come together or not at all: a device that named a
 * version without having seen it would overwrite the changes of others. A result whose document is missing or too large
 * carries `read_again` instead.
 */
export function withDocuments(
  results: readonly OperationResult[],
  documents: CarriedDocuments,
): OperationResult[] {
  const carrying = new Set<OperationResult>(carryingOf(results));
  let bytesLeft = ANSWER_BYTES_MAX;
  return results.map((result) => {
    if (!carrying.has(result)) return result;
    const data = result.version === 0 ? null : documents.get(result.client_id);
    const bytes = data === undefined ? Infinity : Buffer.byteLength(JSON.stringify(data));
    if (data === undefined || bytes > RESULT_BYTES_MAX || bytes > bytesLeft) return readAgain(result);
    bytesLeft -= bytes;
    return { ...result, data };
  });
}

function readAgain({ version: _, ...result }: OperationResult): OperationResult {
  return { ...result, read_again: true };
}
