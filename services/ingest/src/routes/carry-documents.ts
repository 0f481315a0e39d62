import type { Logger } from "@syncline/runtime";
import type { OperationResult } from "@syncline/shared";
import { carryingOf, withDocuments, type CarriedDocuments } from "../core/carried-documents.ts";
import type { PgReads } from "../io/pg-reads.ts";

/** The batch, or the operation, that was answered. */
interface Answered {
  workspaceId: string;
  deviceId: string;
}

/** Completes results with the documents that they report, or says that these are to be read again. */
export type CarryDocuments = (
  of: Answered,
  results: OperationResult[],
  preferences: { minimal: boolean },
) => Promise<OperationResult[]>;

export function createCarryDocuments(deps: {
  reads: Pick<PgReads, "readCarried">;
  log: Logger;
}): CarryDocuments {
  const { reads, log } = deps;

  return async (of, results, { minimal }) => {
    const carrying = carryingOf(results);
    if (carrying.length === 0) return results;
    const documents: CarriedDocuments = minimal ? new Map() : await read(of, carrying);
    return withDocuments(results, documents);
  };

  /** What is committed is answered: a client can read its document later. */
  async function read(of: Answered, carrying: ReturnType<typeof carryingOf>): Promise<CarriedDocuments> {
    try {
      return await reads.readCarried(of, carrying);
    } catch (error) {
      log.warn({ err: error }, "documents could not be read for an answer; it tells the client to read them");
      return new Map();
    }
  }
}
