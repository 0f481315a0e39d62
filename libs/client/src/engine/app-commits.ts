import { move } from "../core/draft.ts";
import { endWith } from "../core/end-operations.ts";
import { refreshAll } from "../core/take-changes.ts";
import { KEYS, nameOf, type DecisionRow, type Operation } from "../core/rows.ts";
import { commitDraft, type DraftRequest } from "./commit-draft.ts";
import type { SyncClient } from "./sync-client.ts";
import type { WorkspaceEngine } from "./workspace-engine.ts";

/** So many acknowledged outcomes are kept, for `explain`. */
const ACKNOWLEDGED_MAX = 100;

/** Commits of the app itself, beside its writes. Any tab makes them: they expect no leader. */
export class AppCommits {
  readonly #client: SyncClient;
  readonly #engine: WorkspaceEngine;
  readonly #request: DraftRequest;

  constructor(client: SyncClient, engine: WorkspaceEngine, rebase: DraftRequest["rebase"]) {
    this.#client = client;
    this.#engine = engine;
    this.#request = { workspace: engine.workspace, nowMs: 0, rebase };
  }

  #now(): DraftRequest {
    return { ...this.#request, nowMs: this.#client.clock.nowMs() };
  }

  /** Marks an outcome as seen; its documents are no longer `failed` by it. */
  async acknowledge(outcomeId: string): Promise<void> {
    const outcome = [...this.#engine.mirror.outcomes.values()].find(({ id }) => id === outcomeId);
    if (outcome === undefined) return;
    const documents = outcome.operations.map(nameOf);
    await commitDraft(this.#client.database, { ...this.#now(), documents, outcomeN: outcome.n }, (draft) => {
      draft.outcomes.push({ ...outcome, acknowledged: true });
      for (const name of documents) {
        const row = draft.documents.get(name);
        if (row === undefined) continue;
        draft.documents.set(name, { ...row, outcomes: row.outcomes.filter((id) => id !== outcomeId) });
      }
      refreshAll(draft, documents);
    });
    await this.#dropOutcomes();
  }

  /** Drops the oldest outcomes that were acknowledged, beyond a number of them. */
  async #dropOutcomes(): Promise<void> {
    const seen = [...this.#engine.mirror.outcomes.values()].filter(({ acknowledged }) => acknowledged);
    if (seen.length <= ACKNOWLEDGED_MAX) return;
    const keys = seen.slice(0, -ACKNOWLEDGED_MAX).map(({ n }) => KEYS.outcome(this.#engine.workspace, n));
    await this.#client.database.transact(async (transaction) => {
      await transaction.getAll("outcomes", keys);
      for (const key of keys) transaction.delete("outcomes", key);
    });
  }

  /** Takes back operations that were not sent: one, or its whole group. Returns `false` if one may have been. */
  async cancel(operationId: string): Promise<boolean> {
    const isOf = ({ ids }: Operation) => ids.length === 1 && ids[0] === operationId;
    const { result, news } = await commitDraft(
      this.#client.database,
      { ...this.#now(), allOperations: true },
      (draft) => {
        const operation = [...draft.outbox.values()].find(isOf);
        if (operation === undefined) return false;
        const { group } = operation;
        const unit =
          group === undefined
            ? [operation]
            : [...draft.outbox.values()].filter((other) => other.group === group);
        if (unit.some(({ state }) => state !== "queued")) return false;
        for (const each of unit) move(draft, each, "cancel");
        endWith(draft, unit, { code: "cancelled" });
        refreshAll(draft, unit.map(nameOf));
        return true;
      },
    );
    this.#client.tell(this.#engine.workspace, news);
    return result;
  }

  /** Stores a person's decision. It is sent when the network allows. */
  async decide(decision: DecisionRow): Promise<void> {
    await commitDraft(this.#client.database, this.#now(), (draft) => {
      draft.row = { ...draft.row, decisions: [...draft.row.decisions, decision] };
    });
    this.#engine.wake();
  }
}
