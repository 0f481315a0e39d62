import { documentOf, move, operationsOf, type Draft } from "./draft.ts";
import { raiseBase, refreshDocument } from "./refresh-document.ts";
import { nameOf, type Base, type DocumentRow, type Operation } from "./rows.ts";

/** A confirmed state of a document, from the feed or from a snapshot. */
export interface Confirmed {
  readonly collection: string;
  readonly id: string;
  readonly base: Base;
  /** The device that wrote it; `null`: none was declared; `undefined`: a snapshot does not tell. */
  readonly deviceId: string | null | undefined;
  /** The operations of one device that it contains, if the server tells them. */
  readonly contains?: { readonly deviceId: string; readonly clientIds: readonly string[] } | undefined;
  /** The snapshot that it comes from. */
  readonly generation?: number;
}

/**
 * Takes in one confirmed state. A state that may contain an unanswered operation waits beside the base, and so does
 * each later one (R9): otherwise an own append would be shown twice. Others' earlier changes are applied at once.
 */
export function takeConfirmed(draft: Draft, change: Confirmed): void {
  const before = documentOf(draft, change.collection, change.id);
  const row: DocumentRow =
    change.generation === undefined ? before : { ...before, generation: change.generation };
  draft.row = { ...draft.row, knownSeq: Math.max(draft.row.knownSeq, change.base.seq) };
  const newest = row.heldBack ?? row.base;
  if (newest !== null && newest.epoch === change.base.epoch && newest.seq >= change.base.seq) {
    draft.documents.set(nameOf(row), row);
    return;
  }
  askAgainIfDecided(draft, change);
  const operations = operationsOf(draft, change);
  const isHeld = row.heldBack !== null || operations.some((operation) => mayContain(change, operation));
  const taken = isHeld ? { ...row, heldBack: change.base } : raiseBase(row, operations, change.base);
  draft.documents.set(nameOf(row), taken);
}

/** Reports whether a state may contain an operation whose answer is missing. The fence is what was known before it. */
function mayContain(change: Confirmed, { state, wire }: Operation): boolean {
  if (state !== "sent" || wire === undefined || change.base.seq <= wire.fence) return false;
  // An operation that was frozen under another id of the device is not among those told.
  if (change.contains?.deviceId === wire.deviceId) return change.contains.clientIds.includes(wire.clientId);
  return change.deviceId == null || change.deviceId === wire.deviceId;
}

/** A person decides without a device: such a change may have decided what is parked on the document. */
function askAgainIfDecided(draft: Draft, change: Confirmed): void {
  if (change.deviceId != null) return;
  for (const operation of operationsOf(draft, change)) {
    const { wire } = operation;
    if (operation.state !== "parked" || wire === undefined || change.base.seq <= wire.fence) continue;
    const { contains } = change;
    if (contains?.deviceId === wire.deviceId && !contains.clientIds.includes(wire.clientId)) continue;
    move(draft, operation, "askAgain");
  }
}

/** Refreshes every document that a page or an answer may have changed: those named, and those that wait for it. */
export function refreshAll(draft: Draft, named: Iterable<string>): void {
  const names = new Set(named);
  for (const operation of draft.outbox.values()) {
    if (operation.state === "acked") names.add(nameOf(operation));
  }
  for (const name of names) {
    const row = draft.documents.get(name);
    if (row !== undefined) refreshDocument(draft, row);
  }
}

/** Takes in a page of the feed, whole (R13): its changes, and with them the checkpoint. */
export function takePage(draft: Draft, changes: readonly Confirmed[], next: number): void {
  for (const change of changes) takeConfirmed(draft, change);
  draft.row = { ...draft.row, checkpoint: next, knownSeq: Math.max(draft.row.knownSeq, next) };
  refreshAll(draft, changes.map(nameOf));
}
