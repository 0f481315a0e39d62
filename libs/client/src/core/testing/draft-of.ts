import type { PushedResult } from "../../ports/transport.ts";
import type { Effect } from "../../public/outcomes.ts";
import { documentOf, type Draft } from "../draft.ts";
import { freezeBatch } from "../freeze.ts";
import { nameOf, NEW_WORKSPACE, type Operation, type WorkspaceRow } from "../rows.ts";
import { settleResults } from "../settle-results.ts";
import { takePage, type Confirmed } from "../take-changes.ts";
import { shownOf, type RebaseSettings } from "../view.ts";
import { writeOperation, type Edit } from "../write-operation.ts";

export const DEVICE = "device-1";
export const EPOCH = "epoch-1";

/** A workspace whose rows are in a draft for the whole test, with each step in the test's hand. */
export function draftOf(
  row: Partial<WorkspaceRow> = {},
  rebase: RebaseSettings = { deleteWins: () => false },
) {
  const draft: Draft = {
    workspace: "w",
    nowMs: 1_000,
    rebase,
    row: { ...NEW_WORKSPACE, epoch: EPOCH, checkpoint: 0, ...row },
    outbox: new Map(),
    documents: new Map(),
    outcomes: [],
    outcomeN: 1,
    news: [],
  };
  let n = 0;
  let ids = 0;
  const write = (id: string, effect: Effect, more: Partial<Edit> = {}): void => {
    n += 1;
    const edit: Edit = {
      id: `op-${n}`,
      collection: "notes",
      documentId: id,
      effect,
      priority: "normal",
      maxRetries: 3,
      ...more,
    };
    const written = writeOperation(documentOf(draft, "notes", id), edit, n, draft.nowMs + n);
    draft.outbox.set(n, written.operation);
    draft.documents.set(nameOf(written.row), written.row);
  };
  /** Freezes the next batch, and returns the ids under which it is sent. */
  const send = (): string[] => {
    const makeClientId = () => `client-${++ids}`;
    const chosen = freezeBatch(draft, DEVICE, { operationsMax: 100, bytesMax: 1_000_000 }, makeClientId);
    return (chosen?.operations ?? []).map(({ wire }) => wire?.clientId ?? "");
  };
  const answer = (...results: PushedResult[]) => {
    settleResults(draft, { results });
  };
  const pull = (next: number, ...changes: Confirmed[]) => {
    takePage(draft, changes, next);
  };
  return {
    draft,
    write,
    send,
    answer,
    pull,
    shown: (id: string) => shownOf(draft.documents.get(nameOf({ collection: "notes", id }))),
    row: (id: string) => documentOf(draft, "notes", id),
    outbox: (): Operation[] => [...draft.outbox.values()],
  };
}

/** A change of the feed. */
export function change(
  id: string,
  seq: number,
  version: number,
  data: Confirmed["base"]["data"],
  deviceId: string | null = "other",
  clientIds?: string[],
  asker = DEVICE,
): Confirmed {
  const base = { version, seq, epoch: EPOCH, data };
  const contains = clientIds === undefined ? undefined : { deviceId: asker, clientIds };
  return { collection: "notes", id, base, deviceId, contains };
}

/** The same as a row of a snapshot, which names no device. */
export const ofSnapshot = (confirmed: Confirmed): Confirmed => ({ ...confirmed, deviceId: undefined });

export const success = (clientId: string, seq: number, version: number, more: Partial<PushedResult> = {}) =>
  ({ client_id: clientId, status: "success", seq, version, ...more }) as const satisfies PushedResult;

export const refusal = (clientId: string, more: Partial<PushedResult> = {}): PushedResult => ({
  client_id: clientId,
  status: "error",
  error_type: "patch_failed",
  error: "the reason",
  ...more,
});
