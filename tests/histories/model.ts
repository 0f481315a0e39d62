// Syncline's guarantees as a second, simple implementation: single-threaded, one operation after the other, without
// windows or stores. It follows docs/protocol/ and docs/merging.md, and shares no code with the services.
import { canonicalJson, type Json, type JsonObject } from "@syncline/shared/document";
import {
  policyOf,
  type CollectionPolicy,
  type ConflictStrategy,
  type EditTimes,
  type Overlap,
  type Policies,
} from "@syncline/shared/merge";
import { applyOperation, mergeDocument } from "@syncline/shared/operations";
import type {
  ErrorAction,
  ErrorType,
  DecisionChoice,
  MetStatus,
  OperationKind,
  OperationResult,
  Resolution,
} from "@syncline/shared/protocol";
import policies from "./policies.ts";
import {
  collectionOf,
  deviceOf,
  documentKey,
  EXPIRED_PREFIX,
  keyOf,
  namedIdOf,
  REFUSED_PREFIX,
  type SentBatch,
  type SentDecision,
  type SentOperation,
} from "./sent-batch.ts";

/** The values fixed at a batch's acceptance. */
export interface Acceptance {
  batchId: string;
  acceptedAtMs: number;
  /** In the order of the request; a `create` may leave its id to the server. */
  documentIds: readonly string[];
  /** Its position on the lane, and that of the last entry answered by then. */
  place: number;
  answered: number;
  /** For a person's decision: the state that the server based it on, and the server's own outcome. */
  decided?: Decided | undefined;
}

/** The basis of a decision. */
interface Decided {
  version: number;
  /** The record's revision. */
  revision: number;
  /** No other work was pending: the record cannot change before the drain. */
  isStalled: boolean;
  /** The server's answer: the decision was outdated. */
  isOutdated: boolean;
}

/** A row of the table `decisions`. */
export interface DecisionRow {
  conflict: Conflict;
  choice: DecisionChoice;
  replacedVersion: number;
  replaced: JsonObject | null;
  version: number;
}

/** A row of the table `changes`. */
export interface Change {
  seq: number;
  collection: string;
  document_id: string;
  first_version: number;
  version: number;
  data: JsonObject | null;
  /** For a deletion: the deleted document, if no other change holds it. */
  ended: JsonObject | null;
  device_id: string | null;
}

/** The state of an operation. It changes while it is `pending`, and never after. */
export interface Answer {
  status: OperationResult["status"];
  clientId: string;
  documentId: string;
  /** The workspace's entry that decided it. */
  entry: number;
  version?: number;
  /** True if a change must hold the version; false if no write was needed. */
  wrote?: boolean;
  merged?: { overlaps: number; rounds: number };
  /** The person's choice, if a decision completed it. */
  choice?: DecisionChoice;
  errorType?: ErrorType;
  conflict?: Conflict;
  mismatch?: { expected: number | null; current: number };
  /** The status of the conflict at the answer `conflict`. */
  met?: MetStatus;
  /** The client's next step, if it does not follow from the error type. */
  action?: ErrorAction;
  /** For a parked operation: its answer since a decision. Polls of its batch return it from then on. */
  decided?: Answer;
}

/** An answer as given to one batch. */
export interface Said {
  answer: Answer;
  replayed: boolean;
}

/** A row of the ledger. */
export interface Recorded {
  content: string;
  batchId: string;
  answer: Answer;
}

/** One version of a document. */
export interface Version {
  data: JsonObject | null;
  device: string;
  declared: boolean;
  timestamp: number | null;
  /**
   * A merge's edits with their times. Any other write edited all differences from the version before, at its timestamp.
   */
  edits?: readonly Edit[] | undefined;
  /** The group that it belongs to, or the merge that made it: no fold goes beyond. */
  unit: string | undefined;
  /** The group that it belongs to, even if a merge made it. */
  group: string | undefined;
  /** Count the device's operations and the document's: consecutive ones may be folded. */
  deviceTurn: number;
  documentTurn: number;
  /** Counts the workspace's writes. */
  order: number;
  entry: number;
  /** True if a merge made it: one change then holds all of its versions. */
  merged: boolean;
  /** For a deletion by a merge: the document that the run had edited before. */
  ended?: JsonObject | undefined;
}

/** Replaced whole with each write, so that a copy of the map of documents is a snapshot. */
export interface Document {
  /** From version 1 on. */
  versions: readonly Version[];
  /** The version before the last version's device began its run. */
  runBase: number;
}

interface Held {
  operation: SentOperation;
  documentId: string;
  timestamp: number | null;
  answer: Answer;
  /** The version that it names, if it belongs to this history. */
  names: number | null;
  /** A version that it names, if it does not belong to this history. */
  namesUnknown: number | null;
}

/** A conflict's record. Its first operation's key identifies it, because the server's ids are random. */
export interface Conflict {
  key: string;
  device: string;
  declared: boolean;
  collection: string;
  documentId: string;
  strategy: ConflictStrategy;
  status: "open" | "parked" | "reported" | "resolved";
  round: number;
  /** `null`: unknown. */
  base: number | null;
  /** The newest version that its operations name. */
  seen: number | null;
  currentVersion: number;
  /** The document that the device sent along. */
  ancestor: JsonObject | null;
  /** The device's view of its own earlier run, if it continued from that. */
  deviceView: JsonObject | null;
  held: Held[];
  result: JsonObject | null;
  overlaps: Overlap[] | null;
  twoWay: boolean | null;
  resolvedVersion: number | null;
  /** The documents that the resolution used. */
  views: Views | null;
  /** The record's revision at the last decision. */
  decidedOn: number;
  /** For a reported conflict: the lane position of the last operation refused with it. */
  refusedAt: number;
}

interface Views {
  ancestor: JsonObject | null;
  remote: JsonObject | null;
  local: JsonObject | null;
}

interface Merged {
  base: number | null;
  seen: number | null;
  version: number;
  localView: JsonObject | null;
}

/** The state that a failing group rolls back. */
interface State {
  documents: Map<string, Document>;
  ledger: Map<string, Recorded>;
  /** By the key of their first operation. */
  conflicts: Map<string, Conflict>;
  /** The next three by device and document: open or parked; last reported; last merged. */
  unsettled: Map<string, Conflict>;
  reported: Map<string, Conflict>;
  merged: Map<string, Merged>;
  /** By device, and by document. */
  turns: Map<string, number>;
}

/** An operation with everything that determines its answer. */
interface Case {
  batch: SentBatch;
  accepted: Acceptance;
  operation: SentOperation;
  documentId: string;
  device: string;
  /** Its key in the ledger. */
  key: string;
  document: string;
  /** Its device and document. */
  place: string;
  grouped: boolean;
  unit: string | undefined;
  timestamp: number | null;
}

interface Evaluated extends Said {
  /** Restores the record of a failure after its group is rolled back. */
  restore?: () => void;
}

type Outcome =
  | { kind: "commit"; document: JsonObject | null; overlaps: Overlap[]; ended?: JsonObject | undefined }
  | { kind: "park"; proposed: JsonObject | null; overlaps: Overlap[] };

interface Merge {
  ancestor: JsonObject | null;
  local: JsonObject | null;
  /** The newer of the two sides' timestamps: the run's is that of its last operation that could be applied. */
  newest: number | null;
  /** The run's edits with their times. */
  edits: readonly Edit[];
  /** The newest version that its operations name. */
  seen: number | null;
  isTwoWay: boolean;
  /** Operations that could not be applied, with the error type. */
  errorTypes: Map<Held, ErrorType>;
  outcome: Outcome;
}

/** A path that was edited: keys, and `#` with the index in an array. */
interface Edit {
  path: readonly string[];
  time: number | null;
}

/** Counts the cases that a history meets. */
export type Count = (what: string) => void;

const POLICIES: Policies = policies;
const same = (a: Json, b: Json): boolean => canonicalJson(a) === canonicalJson(b);
const versionOf = (document: Document | undefined): number => document?.versions.length ?? 0;
const dataOf = (document: Document | undefined): JsonObject | null => document?.versions.at(-1)?.data ?? null;
const isRefusable = (clientId: string): boolean => clientId.startsWith(REFUSED_PREFIX);

/** One workspace. */
export class Model {
  #state: State = {
    documents: new Map(),
    ledger: new Map(),
    conflicts: new Map(),
    unsettled: new Map(),
    reported: new Map(),
    merged: new Map(),
    turns: new Map(),
  };
  readonly #saidByBatch = new Map<string, Said[]>();
  readonly #decisions: DecisionRow[] = [];
  readonly #count: Count;
  readonly #changesOf: (document: string) => readonly Change[];
  readonly #keysBehind: (conflictId: string) => readonly string[];
  /** The current entry, counted over the workspace. */
  #entry = -1;
  #writes = 0;
  /** The state before the current group, which may be rolled back. */
  #beforeUnit: State = this.#state;

  /** The server chooses the folds and the conflicts' ids, so the model receives them. */
  constructor(told: {
    changesOf: (document: string) => readonly Change[];
    /** The keys of all operations that the ledger assigns to a conflict. */
    keysBehind: (conflictId: string) => readonly string[];
    count: Count;
  }) {
    this.#changesOf = told.changesOf;
    this.#keysBehind = told.keysBehind;
    this.#count = told.count;
  }

  get documents(): ReadonlyMap<string, Document> {
    return this.#state.documents;
  }
  get ledger(): ReadonlyMap<string, Recorded> {
    return this.#state.ledger;
  }
  get conflicts(): ReadonlyMap<string, Conflict> {
    return this.#state.conflicts;
  }
  /** The answers to each batch, in the order of its request. */
  get saidByBatch(): ReadonlyMap<string, readonly Said[]> {
    return this.#saidByBatch;
  }

  /** People's decisions, in order. */
  get decisions(): readonly DecisionRow[] {
    return this.#decisions;
  }

  takeBatch(batch: SentBatch, accepted: Acceptance): void {
    this.#entry += 1;
    if (this.#saidByBatch.has(accepted.batchId)) return this.#count("batch: on the lane twice");
    const cases = batch.operations.map((operation, position) => caseOf(batch, accepted, operation, position));
    const said = new Map<Case, Said>();
    for (const unit of unitsOf(cases, batch.atomic === true)) {
      for (const [on, one] of this.#judgeUnit(unit)) said.set(on, one);
    }
    this.#saidByBatch.set(
      accepted.batchId,
      cases.map((on) => said.get(on) ?? fail("The model left an operation without an answer")),
    );
  }

  takeResolution(resolution: Resolution): void {
    this.#entry += 1;
    const conflict = this.#conflictOf(resolution.conflictId);
    if (conflict?.status !== "open" || conflict.round !== resolution.round)
      return this.#count("resolution: late");
    const document = this.#state.documents.get(documentKey(conflict));
    const run = conflict.held.slice(0, resolution.operationsCovered);
    const seen = document && {
      ...document,
      versions: document.versions.slice(0, resolution.expectedVersion),
    };
    let merge = this.#merge(conflict, run, seen);
    if (merge.outcome.kind === "commit" && versionOf(document) !== resolution.expectedVersion) {
      if (!resolution.isLastRound) {
        this.#count("merge: one more round");
        conflict.round += 1;
        return;
      }
      this.#count(`merge: in the last round${merge.ancestor === null ? ", no ancestor" : ""}`);
      merge = this.#merge(conflict, run, document);
    }
    if (merge.outcome.kind === "park") {
      this.#count("merge: parked");
      return this.#park(conflict, merge.outcome);
    }
    if (violatesSchema(conflict, merge.outcome.document, dataOf(document))) {
      this.#count("merge: violates the schema");
      const { document: proposed, overlaps } = merge.outcome;
      return this.#park(conflict, { kind: "park", proposed, overlaps });
    }
    if (run.some((held) => isRefusable(held.operation.client_id) && !merge.errorTypes.has(held))) {
      this.#count("merge: refused by Postgres");
      return this.#park(conflict, { kind: "park", proposed: null, overlaps: [] });
    }
    this.#commit(conflict, run, merge, merge.outcome);
  }

  #conflictOf(conflictId: string): Conflict | undefined {
    const conflicts = this.#keysBehind(conflictId).map((key) => this.#state.conflicts.get(key));
    return conflicts.find((known) => known !== undefined);
  }

  /**
   * Evaluates operations that succeed or fail together; a refusal by Postgres counts only if all others would succeed.
   */
  #judgeUnit(unit: readonly Case[]): Map<Case, Said> {
    const before = this.#state;
    const { said, culprit } = this.#evaluateOneByOne(unit, () => false);
    const isRefused = (on: Case) => {
      const { answer, replayed } = said.get(on) ?? fail("An operation was not evaluated");
      return isRefusable(on.operation.client_id) && answer.status === "success" && !replayed;
    };
    if (culprit === undefined && !unit.some(isRefused)) {
      if (unit[0]?.grouped) this.#count(`${unit[0].batch.atomic ? "atomic batch" : "group"}: applied`);
      return said;
    }
    if (culprit === undefined) {
      this.#state = before;
      const refusing = this.#evaluateOneByOne(unit, (on) => isRefusable(on.operation.client_id));
      return this.#withoutFailing(unit, refusing.said, refusing.culprit, before);
    }
    return this.#withoutFailing(unit, said, culprit, before);
  }

  #evaluateOneByOne(
    unit: readonly Case[],
    refuses: (on: Case) => boolean,
  ): { said: Map<Case, Evaluated>; culprit?: Case } {
    // Allows the caller to roll back.
    this.#beforeUnit = this.#state;
    this.#state = copyOf(this.#state);
    const said = new Map<Case, Evaluated>();
    for (const on of unit) {
      const judged = this.#answer(on, refuses(on));
      said.set(on, judged);
      if (on.grouped && judged.answer.status !== "success") return { said, culprit: on };
    }
    this.#beforeUnit = this.#state;
    return { said };
  }

  #withoutFailing(
    unit: readonly Case[],
    said: Map<Case, Evaluated>,
    culprit: Case | undefined,
    before: State,
  ): Map<Case, Said> {
    if (culprit === undefined) return said;
    this.#count(`${culprit.batch.atomic ? "atomic batch" : "group"}: failed`);
    this.#state = before;
    for (const on of unit) {
      if (on === culprit) continue;
      // Earlier answers stay: a group rolls back only its own effects.
      const known = this.#recall(on);
      const skipped = unrecorded(on, this.#entry, { status: "skipped" });
      said.set(on, known?.replayed ? known : skipped);
      if (known !== undefined) continue;
      const { batchId } = on.accepted;
      this.#state.ledger.set(on.key, { content: contentInGroup(on), batchId, answer: skipped.answer });
    }
    said.get(culprit)?.restore?.();
    return said;
  }

  #answer(on: Case, refused: boolean): Evaluated {
    const known = this.#recall(on);
    if (known !== undefined) {
      this.#count(`sent again: ${known.replayed ? known.answer.status : "another content"}`);
      if (!on.grouped || known.answer.status !== "pending") return known;
      this.#count("group: one is still being merged");
      const { conflict, mismatch } = known.answer;
      return unrecorded(on, this.#entry, {
        status: "conflict",
        errorType: "behind_conflict",
        action: "wait",
        ...(conflict && { conflict, met: "open" as const }),
        ...(mismatch && { mismatch }),
      });
    }
    if (on.operation.client_id.startsWith(EXPIRED_PREFIX)) {
      this.#count("client_id_expired");
      return unrecorded(on, this.#entry, { status: "error", errorType: "client_id_expired" });
    }
    const { decision } = on.operation;
    if (decision !== undefined) return this.#decide(on, decision);
    const before = this.#state;
    if (refused) this.#state = copyOf(before);
    const judged = this.#judge(on);
    if (!refused || judged.answer.status !== "success") return judged;
    this.#count("operation_refused");
    this.#state = before;
    return this.#record(on, { status: "error", errorType: "operation_refused" });
  }

  /** An operation's earlier answer, or the error that its `client_id` was used for another one. */
  #recall(on: Case): Said | undefined {
    const known = this.#state.ledger.get(on.key);
    if (known === undefined) return undefined;
    const isSkipped = known.answer.status === "skipped";
    if (isSkipped && known.content === contentInGroup(on)) {
      this.#count("sent again: skipped, with its group");
      return undefined;
    }
    if (isSkipped) this.#count(`sent again: skipped, ${on.grouped ? "otherwise" : "alone"}`);
    if (known.content !== contentOf(on.operation)) {
      return unrecorded(on, this.#entry, { status: "error", errorType: "client_id_reused" });
    }
    return { answer: known.answer, replayed: true };
  }

  /** Evaluates by the table "Outcomes by operation" of docs/protocol/outcomes.md. */
  #judge(on: Case): Evaluated {
    const { batch, operation, device } = on;
    const kind = operation.operation;
    const document = this.#state.documents.get(on.document);
    const current = versionOf(document);
    const live = dataOf(document) !== null;
    const expected = operation.expected_version;
    const foreign = batch.epoch !== undefined && expected !== undefined;

    const unsettled = this.#state.unsettled.get(on.place);
    if (unsettled !== undefined) return this.#stayBehind(on, unsettled);
    const reported = this.#state.reported.get(on.place);
    if (reported !== undefined && on.accepted.answered < reported.refusedAt)
      return this.#stayBehind(on, reported);

    const conflict = (base: number | null, errorType: ErrorType, detail = "") => {
      this.#count(`${kind}: ${errorType}${detail}`);
      return this.#conflict(on, base, errorType);
    };
    const write = (what: string) => {
      this.#count(`${kind}: ${what}`);
      return this.#apply(on);
    };

    if (kind === "create") {
      if (live) return conflict(0, "document_exists");
      return write(document === undefined ? "absent" : "deleted");
    }
    const isLost = operation.ancestor !== undefined && document === undefined;
    if (kind === "update" && isLost && (expected ?? 0) === 0) {
      if (foreign) return conflict(null, "other_epoch", ", lost");
      return conflict(null, "document_deleted", ", lost");
    }
    if (kind === "update" && document === undefined && !isLost) {
      this.#count("update: document_not_found");
      return this.#record(on, { status: "error", errorType: "document_not_found" });
    }
    if (kind === "delete" && !live) {
      this.#count(`delete: no document, ${document === undefined ? "absent" : "deleted"}`);
      return this.#record(on, { status: "success", version: current, wrote: false });
    }
    if (kind === "update" && !live && !foreign && (expected ?? 0) <= current) {
      const detail = expected === undefined ? ", blind" : "";
      return conflict(Math.min(expected ?? current - 1, current - 1), "document_deleted", detail);
    }
    if (expected === undefined) return write("any version");
    if (foreign) return conflict(null, "other_epoch", isLost ? ", lost" : "");
    if (kind === "put" && expected === 0 && !live) return write("must not be there");
    if (expected > current) return conflict(null, "version_ahead", document === undefined ? ", absent" : "");
    if (expected === current) return write("current version");
    const isOwnRun = document?.versions.at(-1)?.device === device && expected >= document.runBase;
    if (batch.device_id !== undefined && isOwnRun) return write("own changes since");
    return conflict(expected, "version_mismatch");
  }

  #apply(on: Case): Evaluated {
    const applied = applyTo(dataOf(this.#state.documents.get(on.document)), on.operation, on.documentId);
    if (typeof applied === "string") {
      this.#count(applied);
      return this.#record(on, { status: "error", errorType: applied });
    }
    if (violatesSchema(on.operation, applied.data, dataOf(this.#state.documents.get(on.document)))) {
      this.#count("schema_violation");
      return this.#record(on, { status: "error", errorType: "schema_violation" });
    }
    const version = this.#write(on.document, on, applied.data, {
      timestamp: on.timestamp,
      unit: on.unit,
      merged: false,
    });
    return this.#record(on, { status: "success", version, wrote: true });
  }

  #write(
    key: string,
    by: { device: string; declared: boolean } | Case,
    data: JsonObject | null,
    more: Pick<Version, "timestamp" | "unit" | "merged" | "ended" | "edits">,
  ): number {
    const before = this.#state.documents.get(key);
    const declared = "batch" in by ? by.batch.device_id !== undefined : by.declared;
    const { device } = by;
    this.#writes += 1;
    const version: Version = {
      data,
      device,
      declared,
      deviceTurn: this.#turn(device) + 1,
      documentTurn: this.#turn(key) + 1,
      order: this.#writes,
      entry: this.#entry,
      group: "batch" in by ? by.unit : undefined,
      ...more,
    };
    const isSameWriter = before?.versions.at(-1)?.device === device;
    const runBase = before !== undefined && isSameWriter ? before.runBase : versionOf(before);
    this.#state.documents.set(key, { versions: [...(before?.versions ?? []), version], runBase });
    return versionOf(before) + 1;
  }

  #turn(deviceOrDocument: string): number {
    return this.#state.turns.get(deviceOrDocument) ?? 0;
  }

  #nextTurn(device: string, document: string): void {
    for (const one of [device, document]) this.#state.turns.set(one, this.#turn(one) + 1);
  }

  #record(
    on: Case,
    outcome: Omit<Answer, "clientId" | "documentId" | "entry">,
    note?: () => void,
  ): Evaluated {
    const { answer } = unrecorded(on, this.#entry, outcome);
    const restore = () => {
      this.#nextTurn(on.device, on.document);
      const { batchId } = on.accepted;
      this.#state.ledger.set(on.key, { content: contentOf(on.operation), batchId, answer });
      note?.();
    };
    restore();
    return { answer, replayed: false, restore };
  }

  #conflict(on: Case, base: number | null, errorType: ErrorType): Evaluated {
    const { batch, operation, device } = on;
    const { strategy: ofPolicy = "merge" } = policyOf(POLICIES, collectionOf(operation));
    const named = operation.on_conflict ?? batch.on_conflict;
    const strategy = named ?? (on.grouped ? "report" : ofPolicy);
    if (named === undefined && !on.grouped) this.#count(`policy: ${ofPolicy}`);
    if (operation.on_conflict !== undefined) this.#count("on_conflict of an operation");
    const conflict: Conflict = {
      key: on.key,
      device,
      declared: batch.device_id !== undefined,
      collection: collectionOf(operation),
      documentId: on.documentId,
      strategy,
      status: "open",
      round: 1,
      currentVersion: versionOf(this.#state.documents.get(on.document)),
      ancestor: operation.ancestor ?? null,
      held: [],
      result: null,
      overlaps: null,
      twoWay: null,
      resolvedVersion: null,
      views: null,
      decidedOn: -1,
      refusedAt: -1,
      ...this.#origin(base, this.#state.merged.get(on.place)),
      seen: null,
    };
    const held = this.#heldOf(on, unrecorded(on, this.#entry, { status: "pending" }).answer);
    conflict.seen = newest(conflict.base, held.names);
    if (strategy === "report") return this.#report(on, conflict, errorType);
    if (on.grouped) return this.#mergeAtOnce(on, conflict, errorType);
    const judged = this.#record(on, {
      status: "pending",
      errorType,
      conflict,
      mismatch: mismatchOf(on, conflict),
    });
    conflict.held.push({ ...held, answer: judged.answer });
    this.#state.conflicts.set(on.key, conflict);
    this.#state.unsettled.set(on.place, conflict);
    return judged;
  }

  #report(on: Case, conflict: Conflict, errorType: ErrorType): Evaluated {
    this.#count(on.grouped ? "reported: a group's failing operation" : "reported");
    conflict.status = "reported";
    conflict.refusedAt = on.accepted.place;
    const mismatch = mismatchOf(on, conflict);
    const met = "reported" as const;
    const outcome = { status: "conflict" as const, errorType, conflict, mismatch, met };
    const judged = this.#record(on, outcome, () => {
      this.#state.conflicts.set(on.key, conflict);
      this.#state.reported.set(on.place, conflict);
    });
    conflict.held.push(this.#heldOf(on, judged.answer));
    return judged;
  }

  /** A group cannot wait for the conflict service. */
  #mergeAtOnce(on: Case, conflict: Conflict, errorType: ErrorType): Evaluated {
    const document = this.#state.documents.get(on.document);
    const held = this.#heldOf(on, unrecorded(on, this.#entry, { status: "pending" }).answer);
    const merge = this.#merge(conflict, [held], document);
    const [refused] = merge.errorTypes.values();
    const merged = documentOf(merge.outcome);
    if (merge.outcome.kind === "park" || violatesSchema(conflict, merged, dataOf(document))) {
      this.#count("group: fails instead of parking");
      conflict.result = merged;
      conflict.overlaps = merge.outcome.overlaps;
      return this.#report(on, conflict, errorType);
    }
    if (refused !== undefined) return this.#record(on, { status: "error", errorType: refused });
    const { overlaps } = merge.outcome;
    const wrote = !same(dataOf(document), merge.outcome.document);
    const remote = dataOf(document);
    this.#count(`group: merged, ${conflict.strategy}`);
    if (wrote) {
      this.#write(on.document, on, merge.outcome.document, {
        timestamp: merge.newest,
        edits: editsOfMerge(remote, merge.outcome.document, merge.edits),
        unit: `merge of ${on.key}`,
        merged: true,
        ended: merge.outcome.ended,
      });
    }
    const version = versionOf(this.#state.documents.get(on.document));
    const judged = this.#record(on, {
      status: "success",
      version,
      wrote,
      merged: { overlaps: overlaps.length, rounds: 0 },
      conflict,
    });
    conflict.held.push({ ...held, answer: judged.answer });
    conflict.round = 0;
    this.#resolve(conflict, { ...merge, remote }, merge.outcome, version, merge.isTwoWay);
    this.#state.conflicts.set(on.key, conflict);
    return judged;
  }

  /**
   * The ancestor of a device that names a version from before its own last merge is its own run's result. If it names a
   * newer version than that run did, it has received that version meanwhile.
   */
  #origin(base: number | null, last: Merged | undefined): Pick<Conflict, "base" | "deviceView"> {
    if (base === null || last === undefined || last.seen === null) return { base, deviceView: null };
    if (base < (last.base ?? last.seen) || base >= last.version) return { base, deviceView: null };
    this.#count("stacked on an own merge");
    return { base: last.seen, deviceView: last.localView ?? {} };
  }

  #heldOf({ batch, operation, documentId, document, timestamp }: Case, answer: Answer): Held {
    const { expected_version: expected } = operation;
    const isUnknown =
      batch.epoch !== undefined || (expected ?? 0) > versionOf(this.#state.documents.get(document));
    const named = operation.operation === "create" || !expected ? null : expected;
    const names = isUnknown ? null : named;
    const namesUnknown = isUnknown ? (expected ?? null) : null;
    return { operation, documentId, timestamp, answer, names, namesUnknown };
  }

  /**
   * An operation never overtakes its device's own conflict on its document: it waits with it, or is refused with it.
   */
  #stayBehind(on: Case, conflict: Conflict): Evaluated {
    const { status } = conflict;
    const isPending = status === "open" && !on.grouped;
    this.#count(`behind: ${status}${on.grouped ? ", in a group" : ""}`);
    const mismatch = mismatchOf(on, conflict);
    const met = status === "resolved" ? "reported" : status;
    const outcome = isPending
      ? { status: "pending" as const, conflict, mismatch }
      : { status: "conflict" as const, errorType: "behind_conflict" as const, conflict, mismatch, met };
    const judged = this.#record(on, outcome, () => {
      if (status === "reported") conflict.refusedAt = on.accepted.place;
    });
    if (!on.grouped) {
      const held = this.#heldOf(on, judged.answer);
      conflict.held.push(held);
      conflict.seen = newest(conflict.seen, held.names);
    }
    return judged;
  }

  /**
   * Takes a person's decision, if the document and the record are unchanged since. Only the server knows whether the
   * record has changed, unless no work was pending; but of two decisions on one revision, one is too late.
   */
  #decide(on: Case, decision: SentDecision): Evaluated {
    const weighed = on.accepted.decided ?? fail("A decision was accepted without its basis");
    const conflict =
      this.#conflictOf(decision.conflict_id) ??
      fail("A decision names a conflict that was reported to no device");
    const document = this.#state.documents.get(on.document);
    const current = versionOf(document);
    const expected = on.operation.expected_version ?? weighed.version;
    const hasMoved = expected !== current || weighed.version !== current;
    const isTooLate = conflict.status === "open" || weighed.revision <= conflict.decidedOn;
    if (hasMoved || isTooLate || (weighed.isOutdated && !weighed.isStalled)) {
      this.#count(`decision: outdated${hasMoved ? ", the document has moved" : ""}`);
      const mismatch = { expected, current };
      return this.#record(on, { status: "conflict", errorType: "decision_outdated", conflict, mismatch });
    }
    const isParked = conflict.status === "parked";
    const before = dataOf(document);
    const { data, ...views } = this.#weigh(conflict, decision, document);
    if (violatesSchema(on.operation, data, before)) {
      this.#count("decision: violates the schema");
      return this.#record(on, { status: "error", errorType: "schema_violation" });
    }
    if (isParked && conflict.held.some(({ operation }) => isRefusable(operation.client_id))) {
      this.#count("decision: refused by Postgres");
      return this.#record(on, { status: "error", errorType: "operation_refused" });
    }
    this.#count(`decision: ${decision.choice}, of a conflict that is ${conflict.status}`);
    this.#count(`decision: of a conflict that is ${conflict.status}`);
    const wrote = !same(before, data);
    const timestamp = Math.max(on.accepted.acceptedAtMs, document?.versions.at(-1)?.timestamp ?? 0);
    const version = wrote
      ? this.#write(on.document, on, data, {
          timestamp,
          edits: placesBetween(before, data).map((path) => ({ path, time: on.accepted.acceptedAtMs })),
          unit: undefined,
          merged: false,
        })
      : current;
    const { choice } = decision;
    if (isParked) this.#completeRun(conflict, { version, wrote, choice });
    const replaced = wrote ? before : null;
    this.#decisions.push({ conflict, choice, replacedVersion: current, replaced, version });
    conflict.decidedOn = weighed.revision;
    if (conflict.status !== "resolved") {
      const resolved = { base: conflict.base, seen: conflict.seen, version, localView: views.local };
      // Operations refused with a reported conflict stay refused after a decision.
      if (isParked) this.#state.merged.set(placeOf(conflict), resolved);
      if (isParked) this.#state.unsettled.delete(placeOf(conflict));
      Object.assign(conflict, { status: "resolved", result: data, resolvedVersion: version, views });
      conflict.twoWay = views.ancestor === null;
    }
    return this.#record(on, { status: "success", version, wrote, choice, conflict });
  }

  /**
   * The result of a choice now: from the documents of its resolution for a resolved conflict, otherwise from the
   * current ones.
   */
  #weigh(
    conflict: Conflict,
    { choice, data = null }: SentDecision,
    document: Document | undefined,
  ): Views & { data: JsonObject | null } {
    const now = dataOf(document);
    const { views } = conflict;
    if (views === null) {
      const { ancestor, local, outcome } = this.#merge(
        { ...conflict, strategy: "merge" },
        conflict.held,
        document,
      );
      const server = choice === "server" ? this.#serverSide(conflict, document) : now;
      const picked = { server, local, merged: documentOf(outcome), data }[choice];
      return { ancestor, local, remote: now, data: picked };
    }
    const { ancestor, local, remote } = views;
    const merged = mergeByStrategy(
      "merge",
      { ancestor, local, remote: now, edits: { remote: [], local: [] } },
      policyOf(POLICIES, conflict.collection),
    );
    return { ...views, data: { server: remote, local, merged: documentOf(merged), data }[choice] };
  }

  /**
   * The server's side. If the run rises to a received version and a person is asked there, the later operations stay
   * applied.
   */
  #serverSide(conflict: Conflict, document: Document | undefined): JsonObject | null {
    let isAsked = false;
    const { outcome } = this.#merge(conflict, conflict.held, document, (asks) => {
      isAsked ||= asks;
      return asks ? "server-wins" : conflict.strategy;
    });
    if (isAsked) this.#count("decision: server, later operations stay");
    return isAsked && outcome.kind === "commit" ? outcome.document : dataOf(document);
  }

  /** The batches keep their answers; a resent operation gets the new one. */
  #completeRun(conflict: Conflict, settled: Required<Pick<Answer, "version" | "wrote" | "choice">>): void {
    for (const held of conflict.held) {
      const { errorType: _, ...rest } = held.answer;
      const merged = { overlaps: conflict.overlaps?.length ?? 0, rounds: conflict.round };
      const decided: Answer = { ...rest, status: "success", entry: this.#entry, ...settled, merged };
      if (held.answer.errorType === "parked") held.answer.decided = decided;
      held.answer = decided;
      const key = keyOf(conflict.device, held.operation.client_id);
      const known = this.#state.ledger.get(key) ?? fail("The ledger has no row of a held operation");
      this.#state.ledger.set(key, { ...known, answer: decided });
    }
  }

  /**
   * Replays a run on the device's base. At a received version, merges the run so far with that version, and continues
   * from there. Merges the result with the server's document.
   *
   * @param stepBy - the strategy of a step, by whether it asks a person
   */
  #merge(
    conflict: Conflict,
    run: readonly Held[],
    remote: Document | undefined,
    stepBy: (asks: boolean) => ConflictStrategy = () => conflict.strategy,
  ): Merge {
    const { strategy } = conflict;
    const policy = policyOf(POLICIES, conflict.collection);
    const errorTypes = new Map<Held, ErrorType>();
    const overlaps: Overlap[] = [];
    const edits: Edit[] = [];
    let level = conflict.base;
    let unknownLevel = run[0]?.namesUnknown ?? 0;
    let timestamp: number | null = null;
    let ended: JsonObject | undefined;
    let asks = false;
    let isTwoWay = false;
    let seen: { data: JsonObject | null } | undefined;
    const [first] = run;
    const risesAtOnce = (first?.names ?? 0) > (level ?? 0);
    let ancestor = this.#ancestor(conflict, risesAtOnce ? undefined : first?.operation.operation);
    let local = ancestor;
    /** Operations on an unknown document wait for the next known one. */
    const waiting: Held[] = [];
    let isWaiting = ancestor === null;

    const apply = (held: Held) => {
      const before = local;
      const applied = applyTo(local, held.operation, held.documentId);
      if (typeof applied === "string") {
        errorTypes.set(held, applied);
        return;
      }
      timestamp = held.timestamp;
      for (const path of placesBetween(before, applied.data)) edits.push({ path, time: held.timestamp });
      if (applied.data !== null) ended = undefined;
      else if (before !== null) ended = before === ancestor ? undefined : before;
      local = applied.data;
    };
    const step = (
      from: JsonObject | null,
      onto: JsonObject | null,
      time: number | null,
      version?: number,
    ) => {
      const isTimed = from !== null && waiting.length === 0 && version !== undefined;
      const remote = isTimed ? this.#editsBetween(conflict, level, version) : undefined;
      if (remote !== undefined && strategy === "last-write-wins") this.#count("rise: evaluated by path");
      const sides = {
        ancestor: from,
        local,
        remote: onto,
        edits: { remote: remote ?? { anywhere: time }, local: edits },
      };
      const first = riseByStrategy(strategy, sides, policy);
      const by = stepBy(first.kind === "park");
      const taken = by === strategy ? first : riseByStrategy(by, sides, policy);
      if (taken.kind === "park") asks = true;
      isTwoWay ||= from === null;
      const isAsked = taken.kind === "park" && { undecided: true as const };
      const ofVersion = version === undefined ? {} : { version, ...isAsked };
      overlaps.push(...taken.overlaps.map((overlap) => ({ ...overlap, ...ofVersion })));
      if (taken.overlaps.length > 0) this.#count("rise: overlaps");
      if (taken.kind === "park") this.#count("rise: asks a person");
      local = documentOf(taken);
    };
    const mergeOnto = (onto: JsonObject | null, time: number | null, version?: number) => {
      if (ancestor === null || same(local, ancestor)) local = onto;
      else step(ancestor, onto, time, version);
    };

    run.forEach((held, index) => {
      const unknown = held.namesUnknown ?? 0;
      const isKnownRise = held.names !== null && held.names > (level ?? 0);
      const isUnknownRise = unknown > unknownLevel && held.operation.operation !== "create";
      if (isUnknownRise) unknownLevel = unknown;
      if (isKnownRise || isUnknownRise) {
        const at = isKnownRise ? this.#seenAt(conflict, held.names ?? 0) : undefined;
        if (isKnownRise) this.#count("rise");
        const sent = sentWith(run, index, level, unknownLevel);
        const found = at ?? (sent && { version: held.names ?? 0, data: sent, live: sent, timestamp: null });
        if (isKnownRise && found === undefined) level = held.names;
        if (found === undefined) {
          isTwoWay = true;
          isWaiting = true;
          this.#count("rise: to an unknown version");
        } else {
          const isSent = at === undefined;
          const { data: view, isOwn } = this.#viewAt(conflict, { level, had: ancestor }, found, isSent);
          if (isOwn) this.#count("rise: the version lacks own changes");
          mergeOnto(view, found.timestamp, found.version);
          if (waiting.length > 0) {
            waiting.splice(0).forEach(apply);
            step(null, view, found.timestamp, found.version);
          }
          const kind = held.operation.operation;
          ancestor = view ?? (kind === "put" || kind === "create" ? {} : found.live);
          local ??= view === null ? ancestor : null;
          seen = { data: found.data };
          isWaiting = false;
          if (isKnownRise) level = held.names;
        }
      }
      if (isWaiting) waiting.push(held);
      else apply(held);
    });

    const remoteTime = remote?.versions.at(-1)?.timestamp ?? null;
    const now = dataOf(remote);
    const isUnknown = isWaiting;
    if (isWaiting) {
      mergeOnto(now, remoteTime);
      waiting.forEach(apply);
    }
    const from = isUnknown ? null : ancestor;
    const isAlone = seen !== undefined && !isUnknown && (seen.data === null ? now === null : same(from, now));
    const last = isAlone && strategy === "server-wins" ? "client-wins" : strategy;
    const since = isUnknown ? undefined : this.#editsBetween(conflict, level, versionOf(remote));
    const sides = {
      ancestor: from,
      local,
      remote: now,
      edits: { remote: since ?? { anywhere: remoteTime }, local: edits },
    };
    const merged = mergeByStrategy(last, sides, policy);
    const all = [...overlaps, ...merged.overlaps];
    const deletes = merged.kind === "commit" && merged.document === null && local === null;
    const edited = ended && deletes ? mergeByStrategy(last, { ...sides, local: ended }, policy) : undefined;
    const outcome: Outcome =
      asks || merged.kind === "park"
        ? { kind: "park", proposed: documentOf(merged), overlaps: all }
        : {
            ...merged,
            overlaps: all,
            ended: (edited && documentOf(edited)) ?? undefined,
          };
    const newestTime = isNewer(timestamp, remoteTime) ? timestamp : (remoteTime ?? timestamp);
    const twoWay = isTwoWay || from === null;
    return {
      ancestor: from,
      local,
      newest: newestTime,
      edits,
      seen: level,
      isTwoWay: twoWay,
      errorTypes,
      outcome,
    };
  }

  /** Lists others' edits after one version that a device has received, up to another; `undefined` if unknown. */
  #editsBetween(conflict: Conflict, from: number | null, to: number): readonly Edit[] | undefined {
    if (from === null) return undefined;
    const versionsNow = this.#state.documents.get(documentKey(conflict))?.versions ?? [];
    const seen = from === 0 ? 0 : (this.#endOf(conflict, from) ?? from);
    let edits: Edit[] = [];
    versionsNow.slice(0, to).forEach((version, index) => {
      if (index < seen) return;
      const paths = placesBetween(versionsNow[index - 1]?.data ?? null, version.data);
      const known = version.edits ?? paths.map((path) => ({ path, time: version.timestamp }));
      if (!isOwnOf(conflict, version)) edits.push(...known);
      else {
        edits = edits.filter(
          ({ path }) => !known.some((own) => own.path.every((key, at) => key === path[at])),
        );
      }
    });
    return edits;
  }

  /**
   * The version that a device had received when it named one: includes its own changes right after it, unless it
   * continues from its own view.
   */
  #seenAt(
    conflict: Conflict,
    version: number,
  ): { version: number; data: JsonObject | null; live: JsonObject; timestamp: number | null } | undefined {
    const versionsNow = this.#state.documents.get(documentKey(conflict))?.versions ?? [];
    let seen = version;
    const last = conflict.deviceView === null ? conflict.currentVersion : version;
    while (seen < last && isOwnOf(conflict, versionsNow[seen])) seen++;
    const end = this.#endOf(conflict, seen);
    const written = end === undefined ? undefined : versionsNow[end - 1];
    if (end === undefined || written === undefined) return undefined;
    const live = lastLive(versionsNow.slice(0, end));
    if (live === undefined) return undefined;
    return { version: end, data: written.data, live, timestamp: written.timestamp };
  }

  /** The last version of the change that holds this version. */
  #endOf(conflict: Pick<Conflict, "collection" | "documentId">, version: number): number | undefined {
    const key = documentKey(conflict);
    // A group's writes are in the feed only if the group succeeds, other changes only if it does not.
    if (version > versionOf(this.#beforeUnit.documents.get(key))) return version;
    return this.#changesOf(key).find((change) => change.version >= version)?.version;
  }

  /**
   * The device's view of a version: if its own later changes are missing there, its previous view with the others'
   * edits since.
   */
  #viewAt(
    conflict: Conflict,
    { level, had }: { level: number | null; had: JsonObject | null },
    seen: { version: number; data: JsonObject | null },
    isSent: boolean,
  ): { data: JsonObject | null; isOwn: boolean } {
    const versionsNow = this.#state.documents.get(documentKey(conflict))?.versions ?? [];
    const lastOwn = versionsNow.findLastIndex((version) => isOwnOf(conflict, version)) + 1;
    const isIncluded = seen.version > 0 && lastOwn <= seen.version;
    if (conflict.deviceView === null || isIncluded) return { data: seen.data, isOwn: false };
    const { rules, deleteVsEdit } = policyOf(POLICIES, conflict.collection);
    const options = { ...(rules && { rules }), ...(deleteVsEdit && { deleteVsEdit }) };
    const take = (ancestor: JsonObject | null, remote: JsonObject | null, local: JsonObject | null) =>
      mergeDocument({ ancestor, remote, local }, options).document;
    const start = level === null ? undefined : level === 0 ? 0 : this.#endOf(conflict, level);
    if (start === undefined) {
      // Its own change adds nothing to its view.
      const isOwn = isOwnOf(conflict, versionsNow[seen.version - 1]);
      return { data: isOwn ? had : take(null, seen.data, had), isOwn: true };
    }
    const at = (version: number) => versionsNow[version - 1]?.data ?? {};
    let view = had;
    let from = start;
    for (let version = start + 1; version <= seen.version; version++) {
      const isOwn = isOwnOf(conflict, versionsNow[version - 1]);
      const isNextOwn = isOwnOf(conflict, versionsNow[version]);
      // A change of the writer's turn, or the end.
      if (version < seen.version && isOwn === isNextOwn) continue;
      if (!isOwn) view = take(at(from), versionsNow[version - 1]?.data ?? null, view);
      from = version;
    }
    // The device sends the received document itself if the version is unknown.
    if (isSent) view = take(at(from), seen.data, view);
    return { data: view, isOwn: true };
  }

  /** The document at a version in history: inside a fold the fold's result, for a tombstone the deleted document. */
  #ancestor(conflict: Conflict, first: OperationKind | undefined): JsonObject | null {
    const { base, deviceView, ancestor } = conflict;
    if (deviceView !== null) return deviceView;
    if (base === null) return ancestor;
    const [created] = this.#state.documents.get(documentKey(conflict))?.versions ?? [];
    const isBehindOwnCreate = first !== "create" && conflict.currentVersion > 0 && isOwnOf(conflict, created);
    if (base === 0 && !isBehindOwnCreate) return {};
    if (base === 0) this.#count("stacked on an own create");
    const seen = this.#seenAt(conflict, base);
    if (seen === undefined) return ancestor;
    if (seen.version > base) this.#count("stacked on an own change, or in a fold");
    if (seen.data === null && (first === "put" || first === "create")) return {};
    return seen.live;
  }

  #commit(
    conflict: Conflict,
    run: readonly Held[],
    merge: Merge,
    outcome: Extract<Outcome, { kind: "commit" }>,
  ): void {
    const { strategy, device } = conflict;
    this.#count(`merged: ${strategy}${merge.ancestor === null ? ", no ancestor" : ""}`);
    if (outcome.overlaps.length > 0) this.#count("merged: overlaps");
    if (merge.errorTypes.size > 0) this.#count("merged: without a failing operation");
    const key = documentKey(conflict);
    const versionBefore = versionOf(this.#state.documents.get(key));
    const accepted = run.filter((held) => !merge.errorTypes.has(held));
    const remote = dataOf(this.#state.documents.get(key));
    const isSame = same(remote, outcome.document);
    const wrote = accepted.length > 0 && !isSame;
    this.#count(`merged: ${wrote ? "written" : "nothing to write"}`);
    if (accepted.length > 1) this.#count("merged: a run");
    const merged = { overlaps: outcome.overlaps.length, rounds: conflict.round };
    this.#nextTurn(device, key);
    let version = versionBefore;
    for (const held of run) {
      const errorType = merge.errorTypes.get(held);
      const { answer } = held;
      answer.entry = this.#entry;
      delete answer.errorType;
      if (errorType !== undefined) {
        Object.assign(answer, { status: "error", errorType });
        continue;
      }
      if (wrote) {
        version = this.#write(key, conflict, outcome.document, {
          timestamp: merge.newest,
          edits: editsOfMerge(remote, outcome.document, merge.edits),
          unit: `merge of ${conflict.key}`,
          merged: true,
          ended: outcome.ended,
        });
        this.#nextTurn(device, key);
      }
      Object.assign(answer, { status: "success", version, wrote, merged });
    }
    const left = conflict.held.slice(run.length);
    conflict.held = [...run];
    conflict.seen = merge.seen;
    const place = placeOf(conflict);
    this.#state.unsettled.delete(place);
    this.#resolve(conflict, { ...merge, remote }, outcome, version, merge.isTwoWay);
    const first = left[0];
    if (first === undefined) return;
    this.#count("merged: later operations resume");
    const next: Conflict = {
      ...conflict,
      key: keyOf(device, first.operation.client_id),
      status: "open",
      round: 1,
      base: merge.seen,
      seen: left.reduce<number | null>((seen, held) => newest(seen, held.names), merge.seen),
      deviceView: merge.local ?? {},
      held: left,
      result: null,
      overlaps: null,
      twoWay: null,
      resolvedVersion: null,
      views: null,
    };
    for (const { answer } of left) answer.conflict = next;
    this.#state.conflicts.set(next.key, next);
    this.#state.unsettled.set(place, next);
  }

  #resolve(
    conflict: Conflict,
    { ancestor, remote, local }: Views,
    outcome: Extract<Outcome, { kind: "commit" }>,
    version: number,
    isTwoWay: boolean,
  ): void {
    conflict.status = "resolved";
    conflict.views = { ancestor, remote, local };
    conflict.result = outcome.document;
    conflict.overlaps = outcome.overlaps;
    conflict.twoWay = isTwoWay;
    conflict.resolvedVersion = version;
    const { base, seen } = conflict;
    const merged = { base, seen, version, localView: local };
    this.#state.merged.set(placeOf(conflict), merged);
  }

  #park(conflict: Conflict, outcome: Extract<Outcome, { kind: "park" }>): void {
    conflict.status = "parked";
    conflict.result = outcome.proposed;
    conflict.overlaps = outcome.overlaps;
    for (const { answer } of conflict.held) {
      Object.assign(answer, { status: "conflict", errorType: "parked", met: "parked", entry: this.#entry });
    }
  }
}

function mergeByStrategy(
  strategy: ConflictStrategy,
  sides: {
    ancestor: JsonObject | null;
    local: JsonObject | null;
    remote: JsonObject | null;
    edits: { remote: readonly Edit[] | { anywhere: number | null }; local: readonly Edit[] };
  },
  { rules, deleteVsEdit }: CollectionPolicy,
): Outcome {
  const { edits, ...documents } = sides;
  if (strategy === "client-wins") return { kind: "commit", document: sides.local, overlaps: [] };
  if (strategy === "server-wins") return { kind: "commit", document: sides.remote, overlaps: [] };
  const times = { remote: timesOf(edits.remote), local: timesOf(edits.local) };
  const options = {
    ...(strategy === "last-write-wins" && { times }),
    ...(rules && { rules }),
    ...(deleteVsEdit && { deleteVsEdit }),
  } as const;
  const { document, overlaps, undecided } = mergeDocument(documents, options);
  const asks = undecided || (strategy === "manual" && overlaps.length > 0);
  if (asks) return { kind: "park", proposed: document, overlaps };
  return { kind: "commit", document, overlaps };
}

/** The paths that differ, as deep as possible. */
function placesBetween(before: Json | undefined, after: Json | undefined): string[][] {
  if (before !== undefined && after !== undefined && same(before, after)) return [];
  const below = (keys: readonly string[], read: (of: object, key: string) => Json | undefined) =>
    keys.flatMap((key) =>
      placesBetween(read(before as object, key), read(after as object, key)).map((path) => [key, ...path]),
    );
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) return [[]];
    return below(
      [...before.keys()].map((index) => `#${index}`),
      (of, key) => (of as Json[])[Number(key.slice(1))],
    );
  }
  const isObject = (value: Json | undefined) =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(before) || !isObject(after)) return before === after ? [] : [[]];
  const keys = new Set([...Object.keys(before as object), ...Object.keys(after as object)]);
  return below([...keys], (of, key) => (of as JsonObject)[key]);
}

/** A merge's edits have the time of the run's edits at their paths; otherwise they count as the latest. */
function editsOfMerge(remote: JsonObject | null, merged: JsonObject | null, run: readonly Edit[]): Edit[] {
  const newest = (times: readonly (number | null)[]) =>
    times.reduce<number | null>((one, other) => (isLater(other, one) ? other : one), null);
  return placesBetween(remote, merged).map((path) => {
    const touching = run.filter((edit) =>
      edit.path.every((key, at) => at >= path.length || key === path[at]),
    );
    return { path, time: newest((touching.length > 0 ? touching : run).map(({ time }) => time)) };
  });
}

function isLater(one: number | null, other: number | null): boolean {
  return one !== null && (other === null || one > other);
}

/** Converts edits for the merge. */
function timesOf(edits: readonly Edit[] | { anywhere: number | null }): EditTimes {
  if ("anywhere" in edits) return edits;
  const times: EditTimes = {};
  for (const { path, time } of edits) {
    let here = times;
    for (const key of path) {
      here.in ??= {};
      here = here.in[key] ??= {};
    }
    if (here.at === undefined || isLater(time, here.at)) here.at = time;
  }
  return times;
}

function isNewer(local: number | null, remote: number | null): boolean {
  return local !== null && remote !== null && local > remote;
}

/** Applies one operation, or returns its error type. */
function applyTo(
  document: JsonObject | null,
  { operation, data, patch }: SentOperation,
  documentId: string,
): { data: JsonObject | null } | ErrorType {
  const content = { kind: operation, documentId, ...(data && { data }), ...(patch && { patch }) };
  const applied = applyOperation(document, content);
  if (!applied.ok) return applied.errorType;
  const inner = applied.document?.["id"];
  if (patch !== undefined && inner !== undefined && inner !== documentId) return "id_mismatch";
  return { data: applied.document };
}

/** Reports whether a write would store a document that violates the schema in policies.ts. */
function violatesSchema(
  { collection = "" }: { collection?: string },
  document: JsonObject | null,
  current: JsonObject | null,
): boolean {
  const isBound = collection === "contracts" || collection === "drafts";
  return isBound && Number(document?.["c"] ?? 0) > 2 && !same(document, current);
}

function caseOf(batch: SentBatch, accepted: Acceptance, operation: SentOperation, position: number): Case {
  const device = deviceOf(batch);
  const documentId = accepted.documentIds[position] ?? fail("A batch was accepted with fewer documents");
  const collection = collectionOf(operation);
  const { timestamp, group } = operation;
  const unit = batch.atomic ? accepted.batchId : group && `${accepted.batchId}/${group}`;
  return {
    batch,
    accepted,
    operation,
    documentId,
    device,
    key: keyOf(device, operation.client_id),
    document: documentKey({ collection, documentId }),
    place: placeOf({ device, collection, documentId }),
    grouped: unit !== undefined,
    unit,
    timestamp: timestamp === undefined ? null : Math.min(timestamp, accepted.acceptedAtMs),
  };
}

/** Merges with a version that a device has received. A strategy that takes one side asks no person. */
function riseByStrategy(
  strategy: ConflictStrategy,
  sides: Parameters<typeof mergeByStrategy>[1],
  policy: CollectionPolicy,
): Outcome {
  // The device's document is its edits on top of the received version.
  if (strategy === "client-wins")
    return mergeByStrategy("merge", sides, { ...policy, deleteVsEdit: "local-wins" });
  return mergeByStrategy(strategy, sides, policy);
}

function documentOf(outcome: Outcome): JsonObject | null {
  return outcome.kind === "park" ? outcome.proposed : outcome.document;
}

function newest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

function isOwnOf({ device }: Conflict, version: Version | undefined): boolean {
  return version?.declared === true && version.device === device;
}

/** The last live document before a tombstone. */
function lastLive(versions: readonly Version[]): JsonObject | undefined {
  for (const { data, ended } of versions.toReversed()) {
    const live = data ?? ended;
    if (live) return live;
  }
  return undefined;
}

/** The document sent along by an operation that has the same base version as this one. */
function sentWith(
  run: readonly Held[],
  index: number,
  level: number | null,
  unknownLevel: number,
): JsonObject | undefined {
  const named = run[index]?.names ?? level ?? 0;
  for (const [place, { operation, names, namesUnknown }] of run.slice(index).entries()) {
    const rises = (names ?? 0) > named || (namesUnknown ?? 0) > unknownLevel;
    if (place > 0 && rises) return undefined;
    if (operation.ancestor !== undefined) return operation.ancestor;
  }
  return undefined;
}

function mismatchOf({ operation }: Case, { currentVersion }: Conflict) {
  return { expected: operation.expected_version ?? null, current: currentVersion };
}

/** An answer for one batch only. */
function unrecorded(
  { operation, documentId }: Case,
  entry: number,
  outcome: Omit<Answer, "clientId" | "documentId" | "entry">,
): Said {
  return { answer: { clientId: operation.client_id, documentId, entry, ...outcome }, replayed: false };
}

function copyOf(state: State): State {
  return {
    documents: new Map(state.documents),
    ledger: new Map(state.ledger),
    conflicts: new Map(state.conflicts),
    unsettled: new Map(state.unsettled),
    reported: new Map(state.reported),
    merged: new Map(state.merged),
    turns: new Map(state.turns),
  };
}

function placeOf({
  device,
  collection,
  documentId,
}: {
  device: string;
  collection: string;
  documentId: string;
}): string {
  return JSON.stringify([device, collection, documentId]);
}

function contentOf(operation: SentOperation): string {
  const { data, patch, expected_version } = operation;
  return canonicalJson([
    operation.operation,
    collectionOf(operation),
    namedIdOf(operation) ?? null,
    data ?? null,
    patch ?? null,
    expected_version ?? null,
    operation.decision ? { ...operation.decision } : null,
  ]);
}

/** The content of a skipped operation, which includes its group. */
function contentInGroup({ operation, batch }: Case): string {
  return canonicalJson([
    ...(JSON.parse(contentOf(operation)) as Json[]),
    batch.atomic === true ? "its batch" : `group ${operation.group}`,
  ]);
}

/** The operations in the order of their effect, grouped into units that succeed or fail together. */
function unitsOf(cases: readonly Case[], atomic: boolean): Case[][] {
  const moves = (on: Case, index: number) =>
    on.operation.operation === "delete" &&
    !cases.slice(index + 1).some((later) => later.document === on.document);
  const ordered = [...cases.filter((on, index) => !moves(on, index)), ...cases.filter(moves)];
  const units = [...Map.groupBy(ordered, (on) => on.operation.group ?? on).values()];
  return atomic ? [units.flat()] : units;
}

function fail(message: string): never {
  throw new Error(message);
}
