import {
  KEYS,
  nameOf,
  NEW_WORKSPACE,
  type DocumentRow,
  type Operation,
  type OutcomeRow,
  type WorkspaceRow,
} from "../core/rows.ts";
import type { Committed, Database } from "./database.ts";

/** The small rows of a workspace in memory, for statuses and schedules: not its documents. Follows each commit. */
export class Mirror {
  readonly #workspace: string;
  row: WorkspaceRow = NEW_WORKSPACE;
  outbox = new Map<number, Operation>();
  outcomes = new Map<number, OutcomeRow>();
  /** Names of documents with a state that is held back. */
  readonly heldBack = new Set<string>();

  constructor(workspace: string) {
    this.#workspace = workspace;
  }

  async load(database: Database): Promise<void> {
    const prefix = [this.#workspace];
    await database.transact(async (transaction) => {
      const row = (await transaction.get("meta", KEYS.workspace(this.#workspace))) as
        WorkspaceRow | undefined;
      const outbox = (await transaction.range("outbox", { prefix })) as Operation[];
      const outcomes = (await transaction.range("outcomes", { prefix })) as OutcomeRow[];
      const keys = outbox.flatMap(({ state, collection, documentId }) =>
        state === "sent" ? [KEYS.document(this.#workspace, collection, documentId)] : [],
      );
      const documents = (await transaction.getAll("documents", keys)) as (DocumentRow | undefined)[];
      this.row = row ?? NEW_WORKSPACE;
      this.outbox = new Map(outbox.map((operation) => [operation.n, operation]));
      this.outcomes = new Map(outcomes.map((outcome) => [outcome.n, outcome]));
      for (const document of documents) if (document !== undefined) this.#noteHeldBack(document);
    });
  }

  /** Takes in a commit. Returns `true` if it touched a row of this workspace. */
  take({ changes }: Committed): boolean {
    let isTouched = false;
    for (const change of changes) {
      const { store, key } = change;
      const value = change.kind === "put" ? change.value : undefined;
      if (store === "meta") {
        if (key[0] !== "workspace" || key[1] !== this.#workspace) continue;
        this.row = (value ?? NEW_WORKSPACE) as WorkspaceRow;
      } else {
        if (key[0] !== this.#workspace) continue;
        const n = key[1] as number;
        if (store === "outbox") setOrDelete(this.outbox, n, value as Operation | undefined);
        if (store === "outcomes") setOrDelete(this.outcomes, n, value as OutcomeRow | undefined);
        if (store === "documents") this.#takeDocument(value as DocumentRow | undefined, key);
      }
      isTouched = true;
    }
    return isTouched;
  }

  #takeDocument(row: DocumentRow | undefined, [, collection, id]: readonly (string | number)[]): void {
    if (row !== undefined) this.#noteHeldBack(row);
    else this.heldBack.delete(nameOf({ collection: String(collection), id: String(id) }));
  }

  #noteHeldBack(row: DocumentRow): void {
    if (row.heldBack === null) this.heldBack.delete(nameOf(row));
    else this.heldBack.add(nameOf(row));
  }
}

/** Keeps the order of the keys: an operation that is replaced stays in its place, and new ones come last. */
function setOrDelete<V>(map: Map<number, V>, n: number, value: V | undefined): void {
  if (value === undefined) map.delete(n);
  else map.set(n, value);
}
