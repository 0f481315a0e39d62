// What Syncline promises, written down once more: single-threaded, one operation after the other, no windows, no stores.
// It follows docs/protocol.md and docs/merging.md, and shares no code with the services.
import {
  applyOperation,
  canonicalJson,
  mergeDocument,
  type ConflictStrategy,
  type Json,
  type JsonObject,
  type JsonPatchStep,
  type OperationKind,
  type OperationResult,
} from "@syncline/shared";

/** An operation as it is sent. */
export interface SentOperation {
  operation: OperationKind;
  client_id: string;
  document_id: string;
  data?: JsonObject;
  patch?: JsonPatchStep[];
  expected_version?: number;
  timestamp?: number;
  group?: string;
}

/** A batch as it is sent, but for its workspace. */
export interface SentBatch {
  device_id?: string;
  atomic?: boolean;
  on_conflict?: ConflictStrategy;
  epoch?: string;
  operations: SentOperation[];
}

/** A row of the table `changes`. */
export interface Change {
  seq: number;
  document_id: string;
  first_version: number;
  version: number;
  data: JsonObject | null;
  device_id: string | null;
}

/** What the model expects of an answer; `conflict_id` and `seq` are only known once the server gave them. */
export interface Answer {
  operation: SentOperation;
  status: OperationResult["status"];
  version?: number;
  merged?: true;
  overlaps?: number;
  errorType?: string;
  conflict?: Conflict;
  conflictData?: { expected_version: number | null; current_version: number };
  /** Whether a change must hold the version, or nothing was written. */
  wrote?: boolean;
  /** The answer is what was recorded for an earlier operation. */
  replayOf?: Recorded;
}

/** A ledger row: `result` is what the server answered first. */
export interface Recorded {
  content: string;
  answer: Answer;
  result?: OperationResult;
}

export interface Conflict {
  /** Known once the server said it. */
  id?: string | undefined;
  device: string;
  documentId: string;
  strategy: ConflictStrategy;
  /** `null`: unknown. */
  base: number | null;
  currentVersion: number;
  /** What the device saw of its own earlier run, where it goes on from that. */
  deviceView: JsonObject | null;
  status: "open" | "parked" | "reported";
  held: Answer[];
}

interface Resolved {
  base: number | null;
  version: number;
  localView: JsonObject | null;
}

/** Replaced whole with each write, so that a copy of the map of documents is a snapshot. */
interface Document {
  /** What each version is, from version 1 on; `null` is a tombstone. */
  states: (JsonObject | null)[];
  writer: string;
  /** The version before the run of changes that `writer` made. */
  runBase: number;
  timestamp: number | null;
}

/** How often each thing that a history may meet was met. */
export type Count = (what: string) => void;

const versionOf = (document: Document | undefined): number => document?.states.length ?? 0;
const dataOf = (document: Document | undefined): JsonObject | null => document?.states.at(-1) ?? null;
const same = (a: Json, b: Json): boolean => canonicalJson(a) === canonicalJson(b);

/** One workspace. */
export class Model {
  documents = new Map<string, Document>();
  ledger = new Map<string, Recorded>();
  seq = 0;
  readonly #count: Count;
  /** The changes of each document, as the feed told them: which versions were folded is the server's own business. */
  readonly #changes = new Map<string, Change[]>();
  readonly #parked = new Map<string, Conflict>();
  readonly #resolved = new Map<string, Resolved>();
  /** Conflicts of the batch at hand, by device and document. */
  #opened = new Map<string, Conflict>();

  constructor(count: Count) {
    this.#count = count;
  }

  /** The versions that a device may have received of a document. */
  receivable(documentId: string): number[] {
    return (this.#changes.get(documentId) ?? []).map((change) => change.version);
  }

  data(documentId: string): JsonObject | null {
    return dataOf(this.documents.get(documentId));
  }

  /**
   * Takes a batch to its final answers, in the order of the request, and checks that the changes which the server made
   * of it are those that it should have made.
   */
  accept(batch: SentBatch, changes: readonly Change[]): Answer[] {
    const answers = this.#judgeBatch(batch);
    const left = this.#takeChanges(changes);
    const seqOfBatch = changes.reduce((seq, change) => (left.includes(change) ? seq : change.seq), this.seq);
    for (const conflict of this.#opened.values()) if (conflict.status === "open") this.#merge(conflict);
    this.#opened = new Map();
    const unexpected = this.#takeChanges(left);
    if (unexpected.length > 0) throw new Error(`Changes too many: ${JSON.stringify(unexpected)}`);
    for (const [documentId, document] of this.documents) {
      const last = this.#changes.get(documentId)?.at(-1);
      if (last?.version !== versionOf(document)) {
        throw new Error(
          `${documentId} should be at version ${versionOf(document)}, the feed says ${last?.version}`,
        );
      }
    }
    this.seqOfBatch = seqOfBatch;
    this.seq += changes.length;
    return answers;
  }
  /** The workspace's `seq` when the last batch was committed, merges not included. */
  seqOfBatch = 0;

  #judgeBatch(batch: SentBatch): Answer[] {
    const byOperation = new Map<SentOperation, Answer>();
    const grouped = (operation: SentOperation) => batch.atomic === true || operation.group !== undefined;
    for (const unit of unitsOf(batch)) {
      const before = { documents: new Map(this.documents), ledger: new Map(this.ledger) };
      let culprit: Answer | undefined;
      for (const operation of unit) {
        const answer = this.#answer(batch, operation, grouped(operation));
        byOperation.set(operation, answer);
        if (!grouped(operation) || answer.status === "success") continue;
        culprit = answer;
        break;
      }
      if (unit.some(grouped)) {
        this.#count(`${batch.atomic ? "atomic batch" : "group"}: ${culprit ? "failed" : "applied"}`);
      }
      if (culprit === undefined) continue;
      const record = this.ledger.get(keyOf(batch, culprit.operation));
      this.documents = before.documents;
      this.ledger = before.ledger;
      if (record?.answer === culprit) this.ledger.set(keyOf(batch, culprit.operation), record);
      for (const operation of unit) {
        const answer = byOperation.get(operation);
        if (answer === culprit || answer?.replayOf !== undefined) continue;
        byOperation.set(operation, this.#afterCulprit(batch, operation));
      }
    }
    return batch.operations.map((operation) => {
      const answer = byOperation.get(operation);
      if (answer === undefined) throw new Error("The model left an operation without an answer");
      return answer;
    });
  }

  /** A failing group skips what is new; what is known says what was recorded. */
  #afterCulprit(batch: SentBatch, operation: SentOperation): Answer {
    const known = this.ledger.get(keyOf(batch, operation));
    if (known?.content !== contentOf(operation)) {
      return { operation, status: "skipped" };
    }
    return { operation, status: known.answer.status, replayOf: known };
  }

  #answer(batch: SentBatch, operation: SentOperation, grouped: boolean): Answer {
    const key = keyOf(batch, operation);
    const known = this.ledger.get(key);
    const content = contentOf(operation);
    if (known !== undefined && known.content !== content) {
      this.#count("another content under a client_id");
      return { operation, status: "error", errorType: "client_id_reused" };
    }
    if (known !== undefined) {
      this.#count(`sent again: ${known.answer.status}`);
      return { operation, status: known.answer.status, replayOf: known };
    }
    const answer = this.#judge(batch, operation, grouped);
    this.ledger.set(key, { content, answer });
    return answer;
  }

  /** The table "What an operation meets". */
  #judge(batch: SentBatch, operation: SentOperation, grouped: boolean): Answer {
    const device = deviceOf(batch);
    const documentId = operation.document_id;
    const document = this.documents.get(documentId);
    const current = versionOf(document);
    const live = dataOf(document) !== null;
    const expected = operation.expected_version;
    const foreign = batch.epoch !== undefined && expected !== undefined;
    const kind = operation.operation;

    const behind =
      this.#opened.get(placeOf(device, documentId)) ?? this.#parked.get(placeOf(device, documentId));
    if (behind !== undefined) return this.#hold(operation, behind, grouped);

    const matches =
      expected === current ||
      (batch.device_id !== undefined &&
        expected !== undefined &&
        document?.writer === device &&
        expected >= document.runBase &&
        expected <= current);
    const conflict = (base: number | null, errorType: string) => {
      this.#count(`${kind}: ${errorType}`);
      return this.#conflict(batch, operation, grouped, base, errorType);
    };
    const write = (what: string) => {
      this.#count(`${kind}: ${what}`);
      return this.#write(operation, device);
    };

    if (kind === "create") {
      if (live) return conflict(0, "document_exists");
      return write(document === undefined ? "absent" : "deleted");
    }
    if (kind === "update" && document === undefined) {
      this.#count("update: document_not_found");
      return { operation, status: "error", errorType: "document_not_found" };
    }
    if (kind === "delete" && !live) {
      this.#count("delete: nothing to delete");
      return { operation, status: "success", version: current, wrote: false };
    }
    if (kind === "update" && !live && !foreign && (expected ?? 0) <= current) {
      return conflict(Math.min(expected ?? current - 1, current - 1), "document_deleted");
    }
    if (expected === undefined) return write("any version");
    if (foreign) return conflict(null, "other_epoch");
    if (kind === "put" && expected === 0 && !live) return write("not there");
    if (expected > current) return conflict(null, "version_ahead");
    if (matches) return write(expected === current ? "current version" : "own changes since");
    return conflict(expected, "version_mismatch");
  }

  #write(operation: SentOperation, device: string): Answer {
    const applied = applyOperation(this.data(operation.document_id), contentFor(operation));
    if (!applied.ok) {
      this.#count("patch_failed");
      return { operation, status: "error", errorType: applied.errorType };
    }
    const version = this.#put(operation.document_id, device, applied.document, [operation]);
    return { operation, status: "success", version, wrote: true };
  }

  #put(id: string, device: string, data: JsonObject | null, operations: SentOperation[]): number {
    const before = this.documents.get(id);
    const states = [...(before?.states ?? []), ...operations.map(() => data)];
    const runBase = before?.writer === device ? before.runBase : versionOf(before);
    const timestamp = operations.at(-1)?.timestamp ?? null;
    this.documents.set(id, { states, writer: device, runBase, timestamp });
    return states.length;
  }

  #conflict(
    batch: SentBatch,
    operation: SentOperation,
    grouped: boolean,
    base: number | null,
    errorType: string,
  ): Answer {
    const device = deviceOf(batch);
    const place = placeOf(device, operation.document_id);
    const currentVersion = versionOf(this.documents.get(operation.document_id));
    const conflictData = {
      expected_version: operation.expected_version ?? null,
      current_version: currentVersion,
    };
    if (grouped) return { operation, status: "conflict", errorType, conflictData };
    const strategy = batch.on_conflict ?? "merge";
    const conflict: Conflict = {
      device,
      documentId: operation.document_id,
      strategy,
      currentVersion,
      status: strategy === "report" ? "reported" : "open",
      held: [],
      ...this.#origin(base, this.#resolved.get(place)),
    };
    this.#opened.set(place, conflict);
    if (strategy === "report") {
      this.#count("reported");
      return { operation, status: "conflict", errorType, conflict, conflictData };
    }
    const answer: Answer = { operation, status: "pending", conflict, conflictData };
    conflict.held.push(answer);
    return answer;
  }

  /** A device that names a version from before its own last merge went on from its own run, which is the ancestor then. */
  #origin(base: number | null, last: Resolved | undefined): Pick<Conflict, "base" | "deviceView"> {
    if (base === null || last === undefined || last.base === null) return { base, deviceView: null };
    if (base < last.base || base >= last.version) return { base, deviceView: null };
    this.#count("stacked on an own merge");
    if (base === last.base) return { base, deviceView: last.localView ?? {} };
    return { base: last.version, deviceView: null };
  }

  #hold(operation: SentOperation, conflict: Conflict, grouped: boolean): Answer {
    const conflictData = {
      expected_version: operation.expected_version ?? null,
      current_version: conflict.currentVersion,
    };
    const answer: Answer = { operation, status: "pending", conflict, conflictData };
    if (conflict.status === "open" && !grouped) {
      this.#count("held");
      conflict.held.push(answer);
      return answer;
    }
    this.#count(`behind: ${conflict.status}${grouped ? ", in a group" : ""}`);
    return { ...answer, status: "conflict", errorType: "behind_conflict" };
  }

  #merge(conflict: Conflict): void {
    const remote = this.documents.get(conflict.documentId);
    const ancestor = this.#ancestor(conflict);
    let local = ancestor ?? dataOf(remote);
    const accepted: Answer[] = [];
    for (const answer of conflict.held) {
      const applied = applyOperation(local, contentFor(answer.operation));
      if (applied.ok) {
        local = applied.document;
        accepted.push(answer);
      } else {
        this.#count("merge: an operation that fails");
        Object.assign(answer, { status: "error", errorType: applied.errorType });
      }
    }
    const merged = this.#mergeByStrategy(conflict, ancestor, local, remote);
    if (merged === undefined) {
      this.#count("parked");
      conflict.status = "parked";
      this.#parked.set(placeOf(conflict.device, conflict.documentId), conflict);
      for (const answer of conflict.held) Object.assign(answer, { status: "conflict", errorType: "parked" });
      return;
    }
    this.#count(`merged: ${conflict.strategy}${ancestor === null ? ", no ancestor" : ""}`);
    if (merged.overlaps > 0) this.#count("merged: overlaps");
    const versionBefore = versionOf(remote);
    const wrote = accepted.length > 0 && !same(dataOf(remote), merged.document);
    this.#count(`merged: ${wrote ? "written" : "nothing to write"}`);
    if (wrote) {
      const operations = accepted.map(({ operation }) => operation);
      this.#put(conflict.documentId, conflict.device, merged.document, operations);
    }
    accepted.forEach((answer, index) => {
      const version = wrote ? versionBefore + index + 1 : versionBefore;
      Object.assign(answer, { status: "success", version, merged: true, overlaps: merged.overlaps, wrote });
    });
    const version = versionOf(this.documents.get(conflict.documentId));
    const place = placeOf(conflict.device, conflict.documentId);
    this.#resolved.set(place, { base: conflict.base, version, localView: local });
  }

  #mergeByStrategy(
    { strategy, held }: Conflict,
    ancestor: JsonObject | null,
    local: JsonObject | null,
    remote: Document | undefined,
  ): { document: JsonObject | null; overlaps: number } | undefined {
    if (strategy === "client-wins") return { document: local, overlaps: 0 };
    if (strategy === "server-wins") return { document: dataOf(remote), overlaps: 0 };
    const localTime = held.at(-1)?.operation.timestamp;
    const remoteTime = remote?.timestamp ?? null;
    const localIsNewer = localTime !== undefined && remoteTime !== null && localTime > remoteTime;
    const prefer = strategy === "last-write-wins" && !localIsNewer ? "remote" : "local";
    const merged = mergeDocument({ ancestor, remote: dataOf(remote), local }, { prefer });
    if (strategy === "manual" && merged.overlaps.length > 0) return undefined;
    return { document: merged.document, overlaps: merged.overlaps.length };
  }

  /** What history has at a version; a version inside a fold is what the fold came to, a tombstone what it ended. */
  #ancestor({ base, deviceView, documentId, held }: Conflict): JsonObject | null {
    if (deviceView !== null) return deviceView;
    if (base === null) return null;
    if (base === 0) return {};
    const changes = this.#changes.get(documentId) ?? [];
    const at = changes.findIndex((change) => change.version >= base);
    const data = changes[at]?.data;
    if (data === undefined || data !== null) return data ?? null;
    const kind = held[0]?.operation.operation;
    if (kind === "put" || kind === "create") return {};
    return changes.slice(0, at).findLast((change) => change.data !== null)?.data ?? null;
  }

  /** Takes up the changes as far as the documents have come, and gives back those that belong to what is to follow. */
  #takeChanges(changes: readonly Change[]): Change[] {
    return changes.filter((change) => {
      const document = this.documents.get(change.document_id);
      const known = this.#changes.get(change.document_id) ?? [];
      if (change.version > versionOf(document)) return true;
      const state = document?.states[change.version - 1] ?? null;
      const firstVersion = (known.at(-1)?.version ?? 0) + 1;
      if (change.first_version !== firstVersion || change.version < firstVersion) {
        throw new Error(`A change should begin at version ${firstVersion}: ${JSON.stringify(change)}`);
      }
      if (!same(state, change.data)) {
        throw new Error(`A change should hold ${JSON.stringify(state)}: ${JSON.stringify(change)}`);
      }
      if (change.version > change.first_version) this.#count("fold");
      this.#changes.set(change.document_id, [...known, change]);
      return false;
    });
  }
}

/** Who an operation counts for: without a declared device the subject. */
function deviceOf(batch: SentBatch): string {
  return batch.device_id ?? "subject:alice";
}

/** The key of an operation in the ledger. */
export function keyOf(batch: SentBatch, operation: SentOperation): string {
  return JSON.stringify([deviceOf(batch), operation.client_id]);
}

function placeOf(device: string, documentId: string): string {
  return JSON.stringify([device, documentId]);
}

function contentOf({ operation, document_id, data, patch, expected_version }: SentOperation): string {
  const content = [operation, document_id, data ?? null, patch ?? null, expected_version ?? null];
  return canonicalJson(content);
}

function contentFor({ operation, data, patch }: SentOperation) {
  return { kind: operation, ...(data && { data }), ...(patch && { patch }) };
}

/** The operations in the order in which they take effect, those together that stand or fall together. */
function unitsOf({ atomic, operations }: SentBatch): SentOperation[][] {
  const moves = (operation: SentOperation, index: number) =>
    operation.operation === "delete" &&
    !operations.slice(index + 1).some((later) => later.document_id === operation.document_id);
  const ordered = [
    ...operations.filter((operation, index) => !moves(operation, index)),
    ...operations.filter(moves),
  ];
  if (atomic) return [ordered];
  const units = new Map<unknown, SentOperation[]>();
  for (const operation of ordered) {
    const unit = operation.group ?? operation;
    units.set(unit, [...(units.get(unit) ?? []), operation]);
  }
  return [...units.values()];
}
