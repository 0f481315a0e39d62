import type { Logger } from "@syncline/kit/telemetry";
import type { OperationResult, DeviceId, WorkspaceId } from "@syncline/shared/protocol";
import { carryingOf, withDocuments, type CarriedDocuments } from "../core/carried-documents.ts";
import type { PgReads } from "../io/pg-reads.ts";

/** The batch or operation that the results belong to. */
interface Answered {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
}

/** Adds the reported documents to results, or marks them `read_again`. */
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

  /** Reads the documents. A failure must not withhold a committed result: the client can read the document later. */
  async function read(of: Answered, carrying: ReturnType<typeof carryingOf>): Promise<CarriedDocuments> {
    try {
      return await reads.readCarried(of, carrying);
    } catch (error) {
      log.warn({ err: error }, "reading the documents of an answer failed; the client is asked to read them");
      return new Map();
    }
  }
}
