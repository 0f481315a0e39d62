import type { Draft, News } from "../core/draft.ts";
import {
  KEYS,
  nameOf,
  NEW_WORKSPACE,
  type DocumentRow,
  type Operation,
  type OutcomeRow,
  type WorkspaceRow,
} from "../core/rows.ts";
import type { RebaseSettings } from "../core/view.ts";
import { SynclineClientError } from "../public/errors.ts";
import type { Database, Transaction } from "./database.ts";

/** The rows that a commit of the engine is about, beside the workspace's and the outbox. */
export interface DraftRequest {
  readonly workspace: string;
  readonly nowMs: number;
  readonly rebase: RebaseSettings;
  /** Names of documents. Those of operations that were sent are always part of the draft. */
  readonly documents?: Iterable<string>;
  /** Also the documents of operations that were not sent. */
  readonly allOperations?: boolean;
  /** An outcome that is changed. */
  readonly outcomeN?: number;
  /** The token that this engine wrote when it became the leader; absent for commits of the app. */
  readonly leader?: string;
  readonly durability?: "strict" | "relaxed";
}

/**
 * Reads a draft, lets `work` change it, and commits all rows that it replaced. Every commit of the engine expects its
 * own token to be the leader's: an engine that lost its place meanwhile, and does not know it yet, fails here (R16).
 */
export async function commitDraft<R>(
  database: Database,
  request: DraftRequest,
  work: (draft: Draft) => R,
): Promise<{ result: R; news: readonly News[] }> {
  return await database.transact(async (transaction) => {
    if (request.leader !== undefined && (await transaction.get("meta", KEYS.leader)) !== request.leader) {
      throw new SynclineClientError("deposed", "Another client has become the leader of this database");
    }
    const draft = await readDraft(transaction, request);
    const before = snapshotOf(draft);
    const result = work(draft);
    writeChanges(transaction, draft, before);
    return { result, news: draft.news };
  }, request.durability);
}

async function readDraft(transaction: Transaction, request: DraftRequest): Promise<Draft> {
  const { workspace } = request;
  const row = ((await transaction.get("meta", KEYS.workspace(workspace))) ?? NEW_WORKSPACE) as WorkspaceRow;
  const [last] = (await transaction.range(
    "outcomes",
    { prefix: [workspace] },
    { limit: 1, reverse: true },
  )) as OutcomeRow[];
  if (request.outcomeN !== undefined)
    await transaction.get("outcomes", KEYS.outcome(workspace, request.outcomeN));
  const { operations, documents } = await readDocuments(transaction, request);
  return {
    workspace,
    nowMs: request.nowMs,
    rebase: request.rebase,
    row,
    outbox: new Map(operations.map((operation) => [operation.n, operation])),
    documents,
    outcomes: [],
    outcomeN: (last?.n ?? 0) + 1,
    news: [],
  };
}

/**
 * Reads the outbox after the documents: a write of the app in between changes a document that the commit expects
 * unchanged. In the other order, its document would be read without its operation, and lose it from the view.
 */
async function readDocuments(transaction: Transaction, request: DraftRequest) {
  const { workspace } = request;
  const documents = new Map<string, DocumentRow>();
  const known = new Set<string>();
  let missing = new Set(request.documents);
  for (;;) {
    const keys = [...missing].map((name) => {
      const [collection = "", id = ""] = name.split("\n");
      return KEYS.document(workspace, collection, id);
    });
    for (const row of (await transaction.getAll("documents", keys)) as (DocumentRow | undefined)[])
      if (row !== undefined) documents.set(nameOf(row), row);
    for (const name of missing) known.add(name);
    const operations = (await transaction.range("outbox", { prefix: [workspace] })) as Operation[];
    const needed = operations.filter(({ state }) => request.allOperations === true || state !== "queued");
    missing = new Set(needed.map(nameOf).filter((name) => !known.has(name)));
    if (missing.size === 0) return { operations, documents };
  }
}

interface Before {
  readonly row: WorkspaceRow;
  readonly outbox: ReadonlyMap<number, Operation>;
  readonly documents: ReadonlyMap<string, DocumentRow>;
}

function snapshotOf({ row, outbox, documents }: Draft): Before {
  return { row, outbox: new Map(outbox), documents: new Map(documents) };
}

/** Rows are never changed in place: those that are other objects than before were replaced. */
function writeChanges(transaction: Transaction, draft: Draft, before: Before): void {
  const { workspace } = draft;
  if (draft.row !== before.row) transaction.put("meta", KEYS.workspace(workspace), draft.row);
  for (const [n, operation] of draft.outbox) {
    if (before.outbox.get(n) !== operation)
      transaction.put("outbox", KEYS.operation(workspace, n), operation);
  }
  for (const n of before.outbox.keys()) {
    if (!draft.outbox.has(n)) transaction.delete("outbox", KEYS.operation(workspace, n));
  }
  for (const [name, row] of draft.documents) {
    if (before.documents.get(name) === row) continue;
    transaction.put("documents", KEYS.document(workspace, row.collection, row.id), row);
  }
  for (const [name, { collection, id }] of before.documents) {
    if (!draft.documents.has(name)) transaction.delete("documents", KEYS.document(workspace, collection, id));
  }
  for (const outcome of draft.outcomes) {
    transaction.put("outcomes", KEYS.outcome(workspace, outcome.n), outcome);
  }
}
