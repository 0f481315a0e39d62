import { camelRow, statementsIn, type Query } from "@syncline/store";
import type { OperationContent, WorkspaceId } from "@syncline/shared/protocol";
import type { OperationKey, OperationListing, OperationRow, OperationStory } from "../core/operation-life.ts";

/** The statuses by which operations are listed; successes are read one by one, or in the feed. */
export const LISTED_STATUSES = ["error", "conflict", "pending"] as const;
export type ListedStatus = (typeof LISTED_STATUSES)[number];

/** Reads the ledger for people: an operation's outcome, and the operations that failed or wait. */
export interface PgOperations {
  read(key: OperationKey): Promise<OperationStory | undefined>;
  /** Reads the content of an operation that can be replayed. */
  readContent(key: OperationKey): Promise<OperationContent | undefined>;
  /** Lists operations, newest first. */
  list(
    workspaceId: WorkspaceId,
    page: { status: ListedStatus; before: OperationListing["cursor"] | undefined; limit: number },
  ): Promise<OperationListing[]>;
}

const statement = statementsIn(new URL("../sql/", import.meta.url));
const READ_OPERATION = statement("read-operation");
const READ_CONTENT = statement("read-content");
const LIST_OPERATIONS = statement("list-operations");

export function createPgOperations(query: Query): PgOperations {
  return {
    async read({ workspaceId, deviceId, clientId }) {
      const [row] = await query<Record<string, unknown>>(READ_OPERATION, [workspaceId, deviceId, clientId]);
      return row === undefined ? undefined : camelRow<OperationStory>(row);
    },

    async readContent({ workspaceId, deviceId, clientId }) {
      const [row] = await query<{ content: OperationContent }>(READ_CONTENT, [
        workspaceId,
        deviceId,
        clientId,
      ]);
      return row?.content;
    },

    async list(workspaceId, { status, before, limit }) {
      const rows = await query<Record<string, unknown>>(LIST_OPERATIONS, [
        workspaceId,
        status,
        ...(before ?? [null, null, null]),
        limit,
      ]);
      return rows.map((row) => {
        const operation = camelRow<OperationRow & { acceptedAtUs: number }>(row);
        return { operation, cursor: [operation.acceptedAtUs, operation.deviceId, operation.clientId] };
      });
    },
  };
}
