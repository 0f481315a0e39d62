import type { JsonObject } from "@syncline/shared/document";
import { newDocument } from "../core/draft.ts";
import { bytesOf } from "../core/choose-batch.ts";
import { KEYS, nameOf, type DocumentRow, type Operation, type OutcomeRow } from "../core/rows.ts";
import { shownOf } from "../core/view.ts";
import { writeOperation, type Edit } from "../core/write-operation.ts";
import type { Clock } from "../ports/clock.ts";
import { SynclineClientError } from "../public/errors.ts";
import type { Effect } from "../public/outcomes.ts";
import type { Database, Transaction } from "./database.ts";

/** A write that the app asks for. Its effect depends on the document at the time of the commit. */
export interface PlannedWrite extends Omit<Edit, "effect"> {
  /** The collection never leaves the device. */
  readonly isLocal: boolean;
  /** Returns the edit; `null`: it changes nothing. May be called more than once. */
  readonly plan: (shown: JsonObject | null) => Effect | null;
}

/** The server's bounds of a batch, and so of a group. */
const GROUP_OPERATIONS_MAX = 100;
const GROUP_BYTES_MAX = 9 * 1024 * 1024;

/**
 * Stores the app's writes. A write is its outbox row: the row, the view that has it, and all other writes of the same
 * transaction are one commit, and none exists without the others (R1).
 */
export class Writer {
  readonly #database: Database;
  readonly #clock: Clock;
  /** Writes are stored in the order of their calls. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Returns the ids of the operations that were queued.
   *
   * @param retried - the outcome whose operations are written anew; it ends in the same commit, so that it is retried once
   */
  async write(workspace: string, writes: readonly PlannedWrite[], retried?: OutcomeRow): Promise<string[]> {
    const commit = () =>
      this.#database.transact((transaction) => this.#stage(transaction, workspace, writes, retried));
    const written = this.#last.then(commit, commit);
    this.#last = written;
    return await written;
  }

  async #stage(
    transaction: Transaction,
    workspace: string,
    writes: readonly PlannedWrite[],
    retried?: OutcomeRow,
  ): Promise<string[]> {
    const rows = await readRows(transaction, workspace, writes);
    const changed = new Set<string>();
    if (retried !== undefined) {
      await endRetried(transaction, workspace, retried);
      for (const [name, row] of rows) {
        rows.set(name, withoutOutcome(row, retried.id));
        changed.add(name);
      }
    }
    const [last] = (await transaction.range(
      "outbox",
      { prefix: [workspace] },
      { limit: 1, reverse: true },
    )) as Operation[];
    let n = last?.n ?? 0;
    const operations: Operation[] = [];
    for (const { plan, isLocal, ...write } of writes) {
      const name = nameOf(write);
      const row = rows.get(name) ?? newDocument(write.collection, write.documentId);
      const effect = plan(shownOf(row));
      if (effect === null) continue;
      const edit: Edit = { ...write, effect };
      const staged = writeOperation(row, edit, n + 1, this.#clock.nowMs());
      rows.set(name, isLocal ? keepLocally(staged.row) : staged.row);
      changed.add(name);
      if (isLocal) continue;
      n += 1;
      operations.push(staged.operation);
    }
    checkGroup(operations);
    for (const operation of withoutLoneGroup(operations))
      transaction.put("outbox", KEYS.operation(workspace, operation.n), operation);
    for (const name of changed) {
      const row = rows.get(name);
      if (row === undefined) continue;
      const key = KEYS.document(workspace, row.collection, row.id);
      if (row.base === null && shownOf(row) === null && operations.length === 0)
        transaction.delete("documents", key);
      else transaction.put("documents", key, row);
    }
    return operations.flatMap(({ ids }) => ids);
  }
}

async function readRows(
  transaction: Transaction,
  workspace: string,
  writes: readonly PlannedWrite[],
): Promise<Map<string, DocumentRow>> {
  const names = new Map(writes.map((write) => [nameOf(write), write]));
  const keys = [...names.values()].map(({ collection, documentId }) =>
    KEYS.document(workspace, collection, documentId),
  );
  const rows = (await transaction.getAll("documents", keys)) as (DocumentRow | undefined)[];
  return new Map(rows.flatMap((row) => (row === undefined ? [] : [[nameOf(row), row]])));
}

async function endRetried(transaction: Transaction, workspace: string, { id, n }: OutcomeRow): Promise<void> {
  const key = KEYS.outcome(workspace, n);
  const outcome = (await transaction.get("outcomes", key)) as OutcomeRow | undefined;
  if (outcome === undefined || outcome.retried)
    throw new SynclineClientError("notFound", `The outcome ${id} was retried before`);
  transaction.put("outcomes", key, { ...outcome, acknowledged: true, retried: true });
}

function withoutOutcome(row: DocumentRow, outcomeId: string): DocumentRow {
  const outcomes = row.outcomes.filter((id) => id !== outcomeId);
  const isFree = row.status === "failed" && outcomes.length === 0;
  return { ...row, outcomes, ...(isFree && { status: row.view === undefined ? "synced" : "modified" }) };
}

/** A document that never leaves the device has what was written as its base, at version 0. */
function keepLocally(row: DocumentRow): DocumentRow {
  const data = shownOf(row);
  const { view: _, ...rest } = row;
  return { ...rest, status: "synced", base: data === null ? null : { version: 0, seq: 0, epoch: "", data } };
}

/** A group is never split over batches: one that fits none is refused. */
function checkGroup(operations: readonly Operation[]): void {
  if (operations.length < 2) return;
  const bytes = operations.reduce((sum, operation) => sum + bytesOf(operation), 0);
  if (operations.length <= GROUP_OPERATIONS_MAX && bytes <= GROUP_BYTES_MAX) return;
  throw new SynclineClientError(
    "groupTooLarge",
    `A transaction has ${operations.length} operations and ${bytes} bytes; at most ${GROUP_OPERATIONS_MAX} and ${GROUP_BYTES_MAX} are sent together`,
  );
}

/** A group of one needs no group: alone it can be folded, and merged in its own time. */
function withoutLoneGroup(operations: readonly Operation[]): readonly Operation[] {
  if (operations.length !== 1) return operations;
  return operations.map(({ group: _, ...operation }) => operation);
}
