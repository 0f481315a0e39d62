import type { Draft } from "../core/draft.ts";
import { beginSnapshot, endSnapshot, sweepMissing, takeSnapshotPage } from "../core/read-snapshot.ts";
import { settleResults } from "../core/settle-results.ts";
import { takePage, type Confirmed } from "../core/take-changes.ts";
import { nameOf, type DocumentRow, type WorkspaceRow } from "../core/rows.ts";
import type { FeedPosition, PulledChange, PullPage, SnapshotPage } from "../ports/transport.ts";
import { DONE, type Attempt, type StepEnd } from "./engine-context.ts";

/** Changes of a page; a group may add 99, and a commit has at most 1,000 documents. */
const PAGE_CHANGES_MAX = 900;
const SNAPSHOT_DOCUMENTS_MAX = 1_000;
/** Documents that one commit of the sweep after a snapshot looks at. */
const SWEEP_DOCUMENTS_MAX = 1_000;

/** Reads the snapshot if there is none yet, and then the feed to its end. */
export async function pullFeed(attempt: Attempt): Promise<StepEnd> {
  const { mirror } = attempt;
  if (attempt.pullPhase() === "none") attempt.movePull("start");
  if (mirror.row.checkpoint === null || mirror.row.snapshot !== null) {
    const end = await readSnapshot(attempt, false);
    if (end.kind === "failed") return end;
  }
  if (attempt.pullPhase() === "snapshot") attempt.movePull("snapshotRead");
  for (let restarts = 0; !attempt.isOver();) {
    const end = await pullPage(attempt);
    if (end.kind === "more") continue;
    if (end.kind === "done" && !attempt.isOver()) attempt.movePull("caughtUp");
    if (end.kind === "done" || end.kind === "failed") return end;
    // A history that is gone twice in a row is no history: the attempt ends.
    restarts += 1;
    if (restarts > 1)
      return { kind: "failed", failure: { kind: "protocol", detail: "The feed is gone again" } };
    attempt.movePull("gone");
    const read = await readSnapshot(attempt, true);
    if (read.kind === "failed") return read;
    if (!attempt.isOver()) attempt.movePull("snapshotRead");
  }
  return DONE;
}

type PageEnd = StepEnd | { readonly kind: "more" | "gone" };

/** Reads one page of the feed. Waits for a change if asked to. */
export async function pullPage(
  attempt: Attempt,
  waitSeconds?: number,
  signal?: AbortSignal,
): Promise<PageEnd> {
  const { parts, mirror, memory, workspace } = attempt;
  const { checkpoint, epoch } = mirror.row;
  if (checkpoint === null) return { kind: "gone" };
  const request = {
    workspace,
    deviceId: parts.device.id,
    ...positionOf(mirror.row, checkpoint),
    ...(waitSeconds === undefined ? {} : { waitSeconds }),
  };
  memory.isPullDue = false;
  memory.newsSeq = 0;
  const options = signal === undefined ? {} : { signal, isBackground: true };
  const answer = await parts.requests.call((transport, context) => transport.pull(request, context), options);
  memory.progressAtMs = parts.clock.nowMs();
  if (attempt.isOver()) return DONE;
  if (answer.kind === "gone") return { kind: "gone" };
  if (answer.kind !== "ok") return { kind: "failed", failure: answer };
  if (epoch !== null && answer.body.epoch !== epoch) return { kind: "gone" };
  const isTaken = await commitPage(attempt, answer.body, checkpoint, answer.info.requestId);
  return isTaken && !answer.body.more ? DONE : { kind: "more" };
}

/** The position behind what was read. */
export function positionOf({ epoch, settledSince }: WorkspaceRow, since: number): FeedPosition {
  return {
    since,
    limit: PAGE_CHANGES_MAX,
    ...(epoch === null ? {} : { epoch }),
    ...(settledSince === null ? {} : { settledSince }),
  };
}

/** Commits a page, whole. If the checkpoint has moved meanwhile, the page is thrown away (R13). */
export async function commitPage(
  attempt: Attempt,
  page: PullPage,
  since: number,
  requestId?: string,
): Promise<boolean> {
  const { parts, memory, workspace } = attempt;
  const changes = page.changes.map((change) => confirmedOf(change, page.epoch, parts.device.id));
  // An empty page changes nothing, unless an answered operation waits for it.
  if (changes.length === 0 && page.next === since && !page.settled?.length) return true;
  const isTaken = await attempt.commit(
    (draft) => {
      if (draft.row.checkpoint !== since || draft.row.epoch !== page.epoch) return false;
      takePage(draft, changes, page.next);
      if (page.settled === undefined) return true;
      draft.row = { ...draft.row, settledSince: page.settled_next ?? null };
      settleResults(draft, { results: page.settled, ...(requestId === undefined ? {} : { requestId }) });
      return true;
    },
    { documents: changes.map(nameOf), durability: "relaxed" },
  );
  if (!isTaken) {
    // Another client of the database has moved the checkpoint: the mirror does not follow its commits.
    await attempt.mirror.load(parts.database);
    return false;
  }
  if (page.changes.some(({ device_id: device }) => device === parts.device.id)) {
    // An own change may be what a pending batch waits for.
    for (const ask of memory.asks.values()) ask.atMs = 0;
  }
  parts.statistics.pulled += changes.length;
  if (changes.length > 0) parts.emit("pulled", { workspace, changes: changes.length });
  return true;
}

function confirmedOf(change: PulledChange, epoch: string, asker: string): Confirmed {
  const { collection, document_id: id, version, seq, deleted, data, client_ids: clientIds } = change;
  return {
    collection,
    id,
    base: { version, seq, epoch, data: deleted ? null : data },
    deviceId: change.device_id,
    ...(clientIds === undefined ? {} : { contains: { deviceId: asker, clientIds } }),
  };
}

/**
 * Reads the snapshot page by page. Each page is a commit with its cursor, so that an interrupted one resumes where it
 * was.
 *
 * @param isAnew - leaves out what was read before
 */
async function readSnapshot(attempt: Attempt, isAnew: boolean): Promise<StepEnd> {
  const { parts, mirror, memory, workspace } = attempt;
  let cursor = isAnew ? null : (mirror.row.snapshot?.cursor ?? null);
  for (let restarts = 0; !attempt.isOver();) {
    const after = cursor;
    const answer = await parts.requests.call((transport, context) =>
      transport.snapshot(
        { workspace, limit: SNAPSHOT_DOCUMENTS_MAX, ...(after === null ? {} : { after }) },
        context,
      ),
    );
    memory.progressAtMs = parts.clock.nowMs();
    if (attempt.isOver()) return DONE;
    if (answer.kind === "gone" && after !== null && restarts === 0) {
      restarts += 1;
      cursor = null;
      continue;
    }
    if (answer.kind !== "ok") return { kind: "failed", failure: answer };
    const page = answer.body;
    const isTaken = await commitSnapshotPage(attempt, page, after);
    if (!isTaken) {
      cursor = mirror.row.snapshot?.cursor ?? null;
      continue;
    }
    cursor = page.next;
    if (cursor === null) return await finishSnapshot(attempt);
  }
  return DONE;
}

async function commitSnapshotPage(
  attempt: Attempt,
  page: SnapshotPage,
  after: string | null,
): Promise<boolean> {
  const documents = page.documents.map(({ collection, document_id: id, version, seq, data }): Confirmed => ({
    collection,
    id,
    base: { version, seq, epoch: page.epoch, data },
    deviceId: undefined,
  }));
  return await attempt.commit(
    (draft) => {
      if (after === null) beginSnapshot(draft, page);
      else if (draft.row.snapshot?.cursor !== after || draft.row.snapshot.epoch !== page.epoch) return false;
      takeSnapshotPage(draft, documents, page.next);
      return true;
    },
    { documents: documents.map(nameOf), durability: "relaxed" },
  );
}

/** Deletes what the snapshot did not contain, some documents a commit, and then continues with the feed. */
async function finishSnapshot(attempt: Attempt): Promise<StepEnd> {
  for await (const names of documentNames(attempt)) {
    if (attempt.isOver()) return DONE;
    await attempt.commit(sweepMissing, { documents: names, durability: "relaxed" });
  }
  if (!attempt.isOver()) await attempt.commit((draft: Draft) => endSnapshot(draft));
  return DONE;
}

/** The names of all documents of the workspace, collection by collection. */
async function* documentNames({ parts, workspace }: Attempt): AsyncGenerator<string[]> {
  const { storage } = parts.database;
  let collection: string | undefined;
  for (;;) {
    const bound = collection === undefined ? {} : { from: collection, fromOpen: true };
    const [first] = await storage.range("documents", { prefix: [workspace], ...bound }, { limit: 1 });
    if (first === undefined) return;
    const prefix = [workspace, (first.value as DocumentRow).collection];
    collection = prefix[1];
    let from: string | undefined;
    for (;;) {
      const after = from === undefined ? {} : { from, fromOpen: true };
      const rows = await storage.range("documents", { prefix, ...after }, { limit: SWEEP_DOCUMENTS_MAX });
      if (rows.length === 0) break;
      yield rows.map(({ value }) => nameOf(value as DocumentRow));
      const last = rows.at(-1)?.value as DocumentRow | undefined;
      from = last?.id;
    }
  }
}
