import type { BatchHead } from "./lane-entry.ts";
import type { OperationResult } from "./result.ts";

/** The results of a batch that is not drained yet, in the order of the request. */
export function pendingResults(batch: Pick<BatchHead, "operations">): OperationResult[] {
  return [...batch.operations]
    .sort((a, b) => a.position - b.position)
    .map(({ clientId, documentId, documentIdMade }) => ({
      client_id: clientId,
      status: "pending",
      // A resend makes another id, and the first one counts.
      ...(documentIdMade ? {} : { document_id: documentId }),
    }));
}
