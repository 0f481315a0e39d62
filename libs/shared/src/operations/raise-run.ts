import type { Version } from "../ids/ids.ts";
import { applyRun } from "./apply-run.ts";
import { RUN_VALUES_MAX, type Budget } from "../document/budget.ts";
import type { JsonObject } from "../document/json.ts";
import type { AcceptedOperation, MergeInputs, RefusedOperation } from "../protocol/lane-entry.ts";
import type { MergePolicy } from "../merge/merge-policy.ts";
import type { RemoteDocument } from "./merge-by-strategy.ts";
import { joinTimes } from "./times-of-edit.ts";
import type { EditTimes } from "../merge/edit-times.ts";
import { mergeDocument, type Overlap } from "./merge-document.ts";
import { timesBetween, type DocumentEdits } from "./times-since.ts";

/** A device's operations on one document, and the base that it names. */
export interface DeviceRun {
  /** The version that the device named; 0: no document; `null`: unknown. */
  baseVersion: Version | null;
  /** The document that the device sent along. */
  ancestor: JsonObject | null;
  /**
   * The document that the device saw when it continued from own operations that were still being merged; if set,
   * the ancestor.
   */
  deviceView: JsonObject | null;
  operations: readonly AcceptedOperation[];
}

/**
 * A document as history has it at some version. `deleted` is true if that version is a tombstone; `data` is then
 * the document that the tombstone ended.
 */
export interface HistoricDocument {
  data: JsonObject;
  deleted: boolean;
}

/** A change of a run's document, as history has it. */
export interface HistoricChange extends HistoricDocument {
  firstVersion: number;
  version: Version;
  /** The clamped timestamp of the operation that wrote it. */
  timestampMs: number | null;
  /** True if the run's own device wrote it. */
  own: boolean;
}

/** The part of a document's history that the merge of a run depends on. */
export interface RunHistory {
  /**
   * The changes that hold {@link versionsOf} the run, ascending, as far as history has them. A run that continues
   * from a device's view also has the device's last change before each change of another one, and vice versa.
   */
  changes: readonly HistoricChange[];
  /** The version of the device's own last change, for a run that continues from a device's view; otherwise 0. */
  lastOwnVersion: number;
  /** The changes since the first version that the run names; without them the times of their places are unknown. */
  edits?: DocumentEdits;
}

export const NO_HISTORY: RunHistory = { changes: [], lastOwnVersion: 0 };

/** A merge within a run: the device had received a newer version, and edited the document it then saw. */
export interface Rise {
  version: Version;
  inputs: MergeInputs;
  remote: RemoteDocument;
}

/** The outcome of a rise. */
export interface RiseOutcome {
  document: JsonObject | null;
  overlaps: Overlap[];
  twoWay: boolean;
  /** The reason why the rise is left to a person, if it is. The document is then a proposal. */
  asks?: string | undefined;
}

/** A run whose rises are merged: only the merge with the current document is left. */
export interface RaisedRun {
  /** The newest version that the run names; `null`: unknown. */
  seenVersion: number | null;
  /** The kind of the version that the device received while it made the run; `null` if it received none. */
  rose: "live" | "deleted" | null;
  /** The document that the device saw at {@link seenVersion}; `null` if unknown. */
  ancestor: JsonObject | null;
  local: JsonObject | null;
  /** Operations made on an unknown document. They are applied to the document that the run is merged with. */
  unseen: readonly AcceptedOperation[];
  localTimestampMs: number | null;
  /** The times of the run's edits, by place. */
  localTimes: EditTimes;
  refused: RefusedOperation[];
  /** The document that the run's last operation deleted, if the run had changed it. */
  ended: JsonObject | null;
  overlaps: Overlap[];
  twoWay: boolean;
  asks?: string | undefined;
  /** The remaining budget for replaying the run; `costly` is true once it is exceeded. */
  budget: Budget;
  costly: boolean;
}

/** The operations of a run that start from one version. */
interface Segment {
  /** `null`: unknown. */
  version: Version | null;
  operations: readonly AcceptedOperation[];
}

/** The versions whose documents a run's merge needs. Version 0 has one if the device's own changes follow it. */
export function versionsOf(run: Pick<DeviceRun, "baseVersion" | "operations">): number[] {
  const versions = segmentsOf(run).map(({ version }) => version);
  return versions.filter((version) => version !== null);
}

/** The document that a run starts from; `null` if unknown. */
export function ancestorOf(run: DeviceRun, history: RunHistory): JsonObject | null {
  return firstAncestor(run, history, segmentsOf(run)[0]?.operations ?? []);
}

/** The newest version that a run names after one more operation. */
export function risenTo(seenVersion: number | null, operation: AcceptedOperation): number | null {
  const { kind, expectedVersion, versionUnknown } = operation;
  if (kind === "create" || !expectedVersion || versionUnknown) return seenVersion;
  return Math.max(seenVersion ?? 0, expectedVersion);
}

/** Merges the rises of a run, each as the caller decides. */
export function raiseRun(
  run: DeviceRun,
  history: RunHistory,
  policy: MergePolicy,
  resolve: (rise: Rise) => RiseOutcome,
): RaisedRun {
  const rises = risesOf(run, history, policy);
  let next = rises.next();
  while (!next.done) next = rises.next(resolve(next.value));
  return next.value;
}

/**
 * Walks a run and yields each rise, to receive its outcome. A run's operations may name rising versions: its device
 * has received those versions meanwhile. At each rise to E the run so far is merged onto the document at E, which
 * the device saw. E's document is then the ancestor, and the outcome is the local side of the operations that
 * follow. Pure.
 *
 * A version that is no longer known is passed over: the operations that name it wait for the next known document,
 * and are applied to that one with the run so far merged in. That merge is two-way.
 */
export function* risesOf(
  run: DeviceRun,
  history: RunHistory,
  policy: MergePolicy,
): Generator<Rise, RaisedRun, RiseOutcome> {
  const [first, ...segments] = segmentsOf(run);
  const ancestor = firstAncestor(run, history, first?.operations ?? []);
  let raised: RaisedRun = {
    seenVersion: run.baseVersion,
    rose: null,
    ancestor,
    local: ancestor,
    unseen: [],
    localTimestampMs: null,
    localTimes: {},
    refused: [],
    ended: null,
    overlaps: [],
    twoWay: false,
    budget: { left: RUN_VALUES_MAX },
    costly: false,
  };
  raised = withOperations(raised, first?.operations ?? [], policy);
  for (const segment of segments) {
    const seen = seenBy(segment, history);
    if (seen === undefined) {
      const unseen = [...raised.unseen, ...segment.operations];
      raised = { ...raised, seenVersion: segment.version ?? raised.seenVersion, unseen, twoWay: true };
      continue;
    }
    const view = run.deviceView === null ? documentOf(seen) : viewAt(seen, raised, history, policy);
    // Operations that wait for a document are merged without an ancestor, and each place is as new as the document.
    const isKnown = raised.ancestor !== null && raised.unseen.length === 0;
    const times = isKnown ? timesBetween(history, raised.seenVersion, policy, seen.version) : {};
    const remote = { data: view, timestampMs: seen.timestampMs, ...times };
    raised = yield* mergeOnto(raised, { remote, version: seen.version }, policy);
    const ancestor = view ?? (startsAnew(segment.operations) ? {} : seen.data);
    raised = {
      ...raised,
      seenVersion: segment.version ?? raised.seenVersion,
      rose: seen.deleted ? "deleted" : "live",
      ancestor,
      // If the device saw the document deleted and has no own version left, it edits the document as it was before.
      local: raised.local ?? (view === null ? ancestor : null),
    };
    raised = withOperations(raised, segment.operations, policy);
  }
  return raised;
}

/** Merges a run so far onto a document: first the known part, then the operations that waited for a document. */
function* mergeOnto(
  raised: RaisedRun,
  { remote, version }: Pick<Rise, "remote" | "version">,
  policy: MergePolicy,
): Generator<Rise, RaisedRun, RiseOutcome> {
  let next = raised;
  if (raised.ancestor === null) next = { ...raised, local: remote.data };
  else if (raised.local === raised.ancestor) next = { ...raised, local: remote.data };
  else next = taken(raised, version, yield { version, inputs: inputsOf(raised), remote });
  if (raised.unseen.length === 0) return next;
  next = withUnseen(next, policy);
  return taken(next, version, yield { version, inputs: { ...inputsOf(next), ancestor: null }, remote });
}

/** Applies the operations that waited for a document to the document found. */
export function withUnseen(raised: RaisedRun, policy: MergePolicy): RaisedRun {
  return { ...applied(raised, raised.unseen, policy), unseen: [] };
}

export function inputsOf({ ancestor, local, localTimestampMs, localTimes }: RaisedRun): MergeInputs {
  return { ancestor, local, localTimestampMs, localTimes };
}

function taken(raised: RaisedRun, version: Version, outcome: RiseOutcome): RaisedRun {
  const { document, overlaps, twoWay, asks } = outcome;
  const marked = overlaps.map((overlap): Overlap => ({
    ...overlap,
    version,
    ...(asks !== undefined && { undecided: true }),
  }));
  return {
    ...raised,
    local: document,
    overlaps: [...raised.overlaps, ...marked],
    twoWay: raised.twoWay || twoWay,
    asks: raised.asks ?? asks,
  };
}

function withOperations(
  raised: RaisedRun,
  operations: readonly AcceptedOperation[],
  policy: MergePolicy,
): RaisedRun {
  if (raised.ancestor !== null) return applied(raised, operations, policy);
  return { ...raised, unseen: [...raised.unseen, ...operations] };
}

function applied(
  raised: RaisedRun,
  operations: readonly AcceptedOperation[],
  policy: MergePolicy,
): RaisedRun {
  const { document, refused, ended, costly, times } = applyRun(
    raised.local,
    operations,
    policy,
    raised.budget,
  );
  const refusedIds = new Set(refused.map(({ clientId }) => clientId));
  const last = operations.findLast(({ clientId }) => !refusedIds.has(clientId));
  const edited = raised.local === raised.ancestor ? null : raised.local;
  const before = document !== null ? null : raised.local === null ? raised.ended : edited;
  return {
    ...raised,
    local: document,
    localTimes: joinTimes(raised.localTimes, times),
    costly: raised.costly || costly,
    refused: [...raised.refused, ...refused],
    ended: last === undefined ? raised.ended : (ended ?? before),
    localTimestampMs: last === undefined ? raised.localTimestampMs : (last.timestampMs ?? null),
  };
}

/** Cuts a run at each operation that names a newer version than all before it. */
function segmentsOf({ baseVersion, operations }: Pick<DeviceRun, "baseVersion" | "operations">): Segment[] {
  const [first] = operations;
  let known = baseVersion ?? 0;
  let unknown = first?.versionUnknown ? (first.expectedVersion ?? 0) : 0;
  let open: AcceptedOperation[] = [];
  const segments: Segment[] = [{ version: baseVersion, operations: open }];
  for (const operation of operations) {
    const { expectedVersion = 0, versionUnknown, kind } = operation;
    const rises = kind !== "create" && expectedVersion > (versionUnknown ? unknown : known);
    if (rises) {
      if (versionUnknown) unknown = expectedVersion;
      else known = expectedVersion;
      open = [];
      segments.push({ version: versionUnknown ? null : expectedVersion, operations: open });
    }
    open.push(operation);
  }
  return segments;
}

/**
 * The document that the first operations start from: the device's own view; without one, the version that it names; if
 * history lacks that version, the document sent along. Behind the device's own `create`, version 0 stands for what the
 * device made of it; a further `create` starts from nothing.
 */
function firstAncestor(
  run: DeviceRun,
  history: RunHistory,
  operations: readonly AcceptedOperation[],
): JsonObject | null {
  if (run.deviceView !== null) return run.deviceView;
  if (run.baseVersion === 0 && operations[0]?.kind === "create") return {};
  const historic = run.baseVersion === null ? undefined : changeAt(history, run.baseVersion);
  // A document that is created anew after its deletion inherits no value from before it.
  if (historic?.deleted && startsAnew(operations)) return {};
  return historic?.data ?? (run.baseVersion === 0 ? {} : run.ancestor);
}

function startsAnew([first]: readonly AcceptedOperation[]): boolean {
  return first?.kind === "put" || first?.kind === "create";
}

/** The document that a segment's device had received, from history or from the device itself. */
function seenBy({ version, operations }: Segment, history: RunHistory): HistoricChange | undefined {
  const known = version === null ? undefined : changeAt(history, version);
  const sent = operations.find(({ ancestor }) => ancestor !== undefined)?.ancestor;
  if (known !== undefined || sent === undefined) return known;
  const named = version ?? 0;
  return { firstVersion: named, version: named, data: sent, deleted: false, timestampMs: null, own: false };
}

function changeAt({ changes }: RunHistory, version: Version): HistoricChange | undefined {
  return changes.find((change) => change.firstVersion <= version && version <= change.version);
}

function documentOf({ data, deleted }: HistoricDocument): JsonObject | null {
  return deleted ? null : data;
}

/**
 * The document that a device saw at a version that does not yet contain all of its own merges: its previous view,
 * with the changes of others since. A document that the device sent for an unknown version contains none of them: such a
 * version is 0 here, and the history for it need not have been read.
 */
function viewAt(
  seen: HistoricChange,
  { ancestor, seenVersion }: RaisedRun,
  history: RunHistory,
  policy: MergePolicy,
): JsonObject | null {
  if (seen.version > 0 && history.lastOwnVersion <= seen.version) return documentOf(seen);
  let before = seenVersion === null ? undefined : changeAt(history, seenVersion);
  const isFromNothing = seenVersion === 0;
  const since = before?.version ?? (isFromNothing ? 0 : seen.version);
  let view = ancestor;
  const between = history.changes.filter(({ version }) => version > since && version < seen.version);
  const changes = [...between, seen];
  // Consecutive changes by the device, or by others, are one step, however many they are.
  const turns = changes.filter(({ own }, index) => own !== changes[index + 1]?.own);
  for (const change of turns) {
    const start = before === undefined ? (isFromNothing ? {} : null) : (documentOf(before) ?? {});
    const sides = { ancestor: start, remote: documentOf(change), local: view };
    if (!change.own) view = mergeDocument(sides, policy).document;
    before = change;
  }
  return view;
}
