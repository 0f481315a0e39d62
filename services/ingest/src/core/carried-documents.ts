import type { JsonObject, OperationResult } from "@syncline/shared";

/** Most bytes, as JSON, of a document that a result carries. */
export const RESULT_BYTES_MAX = 64 * 1024;
/** Most bytes, as JSON, of all documents that an answer carries. */
export const ANSWER_BYTES_MAX = 1024 * 1024;

/** The documents that results report, by the operations' client ids. */
export type CarriedDocuments = ReadonlyMap<string, JsonObject | null>;

/** A result whose document its device may never have seen: a merge or a decision made it. */
export type CarryingResult = OperationResult & { version: number };

/** Picks the results that must carry their document. */
export function carryingOf(results: readonly OperationResult[]): CarryingResult[] {
  return results.filter(
    (result): result is CarryingResult =>
      result.version !== undefined && (result.merged === true || result.decided !== undefined),
  );
}

/**
 * Adds to results the documents that they report. A version comes with its content or not at all: a device that named a
 * version without having seen it would overwrite what others wrote in it. What has no document here, or one that is too
 * large, says `read_again` instead.
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
