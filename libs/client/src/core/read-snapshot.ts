import { move, type Draft } from "./draft.ts";
import { raiseBase } from "./refresh-document.ts";
import { nameOf, type Base } from "./rows.ts";
import { refreshAll, takeConfirmed, type Confirmed } from "./take-changes.ts";

/** The pinned position of a snapshot. */
export interface SnapshotPin {
  readonly epoch: string;
  readonly seq: number;
  /** The number of its documents, if it is known. */
  readonly count?: number;
}

/** Begins a snapshot, as the next generation. Another epoch is another history: its answers and positions count anew. */
export function beginSnapshot(draft: Draft, { epoch, seq, count: total }: SnapshotPin): void {
  const { row } = draft;
  const isOther = row.epoch !== null && row.epoch !== epoch;
  draft.row = {
    ...row,
    epoch,
    generation: row.generation + 1,
    settledSince: null,
    snapshot: { cursor: null, seq, epoch, done: 0, ...(total === undefined ? {} : { total }) },
    ...(isOther ? { checkpoint: null, knownSeq: 0 } : {}),
  };
  if (isOther) forgetAnswers(draft);
}

/** An answer of another history may be gone with it: every answered operation is sent again. */
function forgetAnswers(draft: Draft): void {
  for (const operation of draft.outbox.values()) {
    if (operation.state === "queued" || operation.wire === undefined) continue;
    const {
      seq: _seq,
      version: _version,
      merged: _merged,
      decided: _decided,
      batchId: _batchId,
      ...rest
    } = operation;
    move(draft, rest, "historyChanged", { wire: { ...operation.wire, fence: 0 } });
  }
}

/** Takes in one page. Its rows name no device, so that any of them may contain an unanswered operation (R9). */
export function takeSnapshotPage(draft: Draft, documents: readonly Confirmed[], cursor: string | null): void {
  const { snapshot, generation } = draft.row;
  if (snapshot === null) return;
  for (const document of documents) takeConfirmed(draft, { ...document, generation });
  const done = snapshot.done + documents.length;
  draft.row = { ...draft.row, snapshot: { ...snapshot, cursor, done } };
  refreshAll(draft, documents.map(nameOf));
}

/**
 * Deletes the documents of the draft that the whole snapshot did not contain. A document that edits wait for stays as
 * their ancestor. May be repeated, and done for some documents at a time.
 */
export function sweepMissing(draft: Draft): void {
  const { snapshot, generation } = draft.row;
  if (snapshot === null) return;
  const operations = [...draft.outbox.values()];
  for (const row of draft.documents.values()) {
    const { base } = row;
    // A document of version 0 never leaves the device.
    if (row.generation >= generation || base === null || base.version === 0) continue;
    // A document that was written after its page was read comes with the feed.
    if (base.epoch === snapshot.epoch && base.seq > snapshot.seq) continue;
    const gone: Base = { ...base, seq: Math.min(base.seq, snapshot.seq), epoch: snapshot.epoch, data: null };
    const own = operations.filter((operation) => nameOf(operation) === nameOf(row));
    draft.documents.set(nameOf(row), raiseBase(row, own, gone));
  }
  refreshAll(draft, [...draft.documents.keys()]);
}

/** Ends a snapshot: the feed continues from its position. */
export function endSnapshot(draft: Draft): void {
  const { snapshot } = draft.row;
  if (snapshot === null) return;
  const { seq } = snapshot;
  draft.row = { ...draft.row, snapshot: null, checkpoint: seq, knownSeq: Math.max(draft.row.knownSeq, seq) };
  refreshAll(draft, []);
}
