import { carryingOf, withDocuments, type Preferences } from "@syncline/ingest/core";
import type { OperationResult } from "@syncline/shared/protocol";
import type { ServerContext } from "./context.ts";

/** Adds the documents that results report. */
export function carry(
  { state }: ServerContext,
  { workspaceId, deviceId }: { workspaceId: string; deviceId: string },
  results: OperationResult[],
  { minimal }: Pick<Preferences, "minimal">,
): OperationResult[] {
  const found = minimal ? [] : carryingOf(results);
  const documents = found.flatMap(({ client_id: clientId, version }) => {
    const row = state.ledgerRow(workspaceId, deviceId, clientId);
    const change = state
      .workspace(workspaceId)
      .changes.find(
        (one) =>
          one.collection === row?.collection &&
          one.documentId === row.documentId &&
          one.firstVersion <= version &&
          version <= one.version,
      );
    return change === undefined ? [] : [[clientId, change.data] as const];
  });
  return withDocuments(results, new Map(documents));
}
