import { inWorkspaces, statementsIn, type Query } from "@syncline/store";
import {
  deviceDocumentKey,
  documentKey,
  Problem,
  type BatchHead,
  type CollectionName,
} from "@syncline/shared/protocol";
import type { PgOperations } from "./pg-operations.ts";

const READ_FULL_HELD_QUEUES = statementsIn(new URL("../sql/", import.meta.url))("read-full-held-queues");
const RETRY_AFTER_SECONDS = 30;

interface FullRun {
  workspace_id: string;
  device_id: string;
  collection: CollectionName;
  document_id: string;
  conflict_id: string;
}

/**
 * Knows the full held queues, and rejects operations for them. It polls: operations accepted between two polls are
 * still held.
 */
export class HeldQueueLimit {
  readonly #query: Query;
  readonly #operations: Pick<PgOperations, "read">;
  #conflictIdByDeviceDocument: ReadonlyMap<string, string> = new Map();

  constructor(query: Query, operations: Pick<PgOperations, "read">) {
    this.#query = query;
    this.#operations = operations;
  }

  async look(): Promise<void> {
    const runs = await inWorkspaces([], () => this.#query<FullRun>(READ_FULL_HELD_QUEUES, []));
    this.#conflictIdByDeviceDocument = new Map(
      runs.map((run) => [
        deviceDocumentKey(run.device_id, documentKey(run.workspace_id, run.collection, run.document_id)),
        run.conflict_id,
      ]),
    );
  }

  /**
   * Operations that the ledger already knows need no room: they get their recorded answer.
   * @throws a problem (429) with the first operation for which there is no room
   */
  async requireRoom({ workspaceId, deviceId, operations }: BatchHead): Promise<void> {
    if (this.#conflictIdByDeviceDocument.size === 0) return;
    for (const { clientId, collection, documentId } of operations) {
      const key = deviceDocumentKey(deviceId, documentKey(workspaceId, collection, documentId));
      const conflictId = this.#conflictIdByDeviceDocument.get(key);
      if (conflictId === undefined) continue;
      if ((await this.#operations.read({ workspaceId, deviceId, clientId })) !== undefined) continue;
      throw new Problem("too-many-held", {
        detail: `The device's operations on ${collection}/${documentId} have filled the held queue of conflict ${conflictId}; send them again once the conflict is resolved`,
        operation: clientId,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
  }
}
