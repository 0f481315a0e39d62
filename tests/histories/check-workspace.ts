import assert from "node:assert/strict";
import { canonicalJson, type Json, type JsonObject } from "@syncline/shared/document";
import type { Overlap } from "@syncline/shared/merge";
import { actionOf, batchStatus, type OperationResult } from "@syncline/shared/protocol";
import type { TappedEntry } from "../support/lane-tap.ts";
import type { System } from "../support/system.ts";
import {
  Model,
  type Answer,
  type Change,
  type Conflict,
  type Count,
  type Said,
  type Version,
} from "./model.ts";
import type { Played, Stage } from "./play-history.ts";
import { deviceOf, documentKey, keyOf, type SentBatch } from "./sent-batch.ts";

interface LedgerRow {
  device_id: string;
  client_id: string;
  batch_id: string;
  status: string;
  decided: string | null;
  version: number | null;
  seq: number | null;
  error_type: string | null;
  conflict_id: string | null;
}

interface DocumentRow {
  collection: string;
  document_id: string;
  version: number;
  seq: number;
  deleted: boolean;
  data: unknown;
}

/** A workspace's rows. */
interface Tables {
  changes: Change[];
  documents: DocumentRow[];
  ledger: LedgerRow[];
  conflicts: Record<string, unknown>[];
  decisions: Record<string, unknown>[];
}

const SELECT = {
  changes: `SELECT seq::int, collection, document_id, first_version::int, version::int, data, ended, device_id
    FROM changes WHERE workspace_id = $1 ORDER BY seq`,
  documents: `SELECT collection, document_id, version::int, seq::int, deleted, data
    FROM documents WHERE workspace_id = $1`,
  ledger: `SELECT device_id, client_id, batch_id, status, decided, version::int, seq::int, error_type, conflict_id
    FROM operations WHERE workspace_id = $1`,
  conflicts: `SELECT conflict_id, collection, document_id, device_id, status, strategy, round, base_version::int, seen_version::int,
    current_version::int, operation_count, result, overlap_list, two_way, resolved_version::int,
    ancestor_view, remote_view, local_view
    FROM conflicts WHERE workspace_id = $1`,
  decisions: `SELECT conflict_id, choice, client_id, replaced_version::int, replaced, version::int
    FROM decisions WHERE workspace_id = $1 ORDER BY revision, client_id`,
};

async function readTables({ pool }: System, workspaceId: string): Promise<Tables> {
  const read = async <T>(sql: string) => (await pool.query(sql, [workspaceId])).rows as T[];
  return {
    changes: await read<Change>(SELECT.changes),
    documents: await read<DocumentRow>(SELECT.documents),
    ledger: await read<LedgerRow>(SELECT.ledger),
    conflicts: await read<Record<string, unknown>>(SELECT.conflicts),
    decisions: await read<Record<string, unknown>>(SELECT.decisions),
  };
}

/**
 * Compares a history's effect on a workspace with the model: lets the model take the lane's entries one by one, in
 * their order, and compares every answer and every row.
 */
export async function checkWorkspace(
  played: Played,
  { system, tap, mischief }: Stage,
  count: Count,
): Promise<{ operations: number; conflicts: number }> {
  const { workspaceId } = played.client;
  const entries = tap.entriesOf(workspaceId);
  const tables = await readTables(system, workspaceId);
  try {
    new WorkspaceCheck(played, entries, tables, { count, isDisturbed: mischief !== undefined }).run();
  } catch (error) {
    const story = describe(played, entries, tables);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\n\nThe workspace's story:\n${story}`, { cause: error });
  }
  return { operations: tables.ledger.length, conflicts: tables.conflicts.length };
}

class WorkspaceCheck {
  readonly #played: Played;
  readonly #entries: readonly TappedEntry[];
  readonly #tables: Tables;
  readonly #count: Count;
  readonly #model: Model;
  readonly #ledgerByKey: ReadonlyMap<string, LedgerRow>;
  readonly #changesByDocument: ReadonlyMap<string, readonly Change[]>;

  readonly #isDisturbed: boolean;

  constructor(
    played: Played,
    entries: readonly TappedEntry[],
    tables: Tables,
    { count, isDisturbed }: { count: Count; isDisturbed: boolean },
  ) {
    this.#isDisturbed = isDisturbed;
    this.#played = played;
    this.#entries = entries;
    this.#tables = tables;
    this.#count = count;
    this.#ledgerByKey = new Map(tables.ledger.map((row) => [keyOf(row.device_id, row.client_id), row]));
    this.#changesByDocument = Map.groupBy(tables.changes, ({ collection, document_id }) =>
      documentKey({ collection, documentId: document_id }),
    );
    const keysByConflict = Map.groupBy(this.#ledgerByKey.entries(), ([, row]) => row.conflict_id);
    this.#model = new Model({
      changesOf: (document) => this.#changesByDocument.get(document) ?? [],
      keysBehind: (conflictId) => (keysByConflict.get(conflictId) ?? []).map(([key]) => key),
      count,
    });
  }

  run(): void {
    for (const entry of this.#entries) this.#take(entry);
    this.#checkDocuments();
    this.#checkFeed();
    this.#checkLedger();
    this.#checkConflicts();
    this.#checkDecisions();
    for (const answered of this.#played.answered) this.#checkAnswer(answered);
    this.#checkPages();
    this.#checkOutcomes();
    const places = ({ seq, version, data }: Pick<Change, "seq" | "version" | "data">) => ({
      seq,
      version,
      data,
    });
    expectSame(
      this.#played.followed.map(places),
      this.#tables.changes.map(places),
      "the changes that a reader has read",
    );
  }

  #take({ entry, place, answered }: TappedEntry): void {
    if (entry.kind === "resolution") return this.#model.takeResolution(entry.resolution);
    const { batchId, acceptedAtMs, operations, requestId } = entry.batch;
    const batch = this.#played.batchByRequestId.get(requestId);
    if (batch === undefined) throw new Error(`The batch ${batchId} is on the lane, but no device sent it`);
    const documentIds = operations.toSorted((a, b) => a.position - b.position).map((one) => one.documentId);
    this.#countInterleaving({ batch, place, answered });
    const [operation] = operations;
    const decided = operation?.decision && {
      version: operation.decision.version,
      revision: operation.decision.revision,
      isStalled: this.#played.quiet.has(requestId),
      isOutdated:
        this.#ledgerByKey.get(keyOf(deviceOf(batch), operation.clientId))?.error_type === "decision_outdated",
    };
    this.#model.takeBatch(batch, { batchId, acceptedAtMs, documentIds, place, answered, decided });
    if (!this.#played.outdated.has(requestId)) return;
    const said = this.#model.saidByBatch.get(batchId)?.map(({ answer }) => answer.errorType);
    expectSame(said, ["decision_outdated"], `the decisions answered 409: ${JSON.stringify(batch)}`);
  }

  readonly #placesBefore: { batch: unknown; device: string; place: number }[] = [];

  #countInterleaving({ batch, place, answered }: { batch: SentBatch; place: number; answered: number }) {
    const device = deviceOf(batch);
    const underWay = this.#placesBefore.filter((before) => before.place > answered);
    if (underWay.some((before) => before.batch === batch)) this.#count("sent: again while pending");
    else if (underWay.some((before) => before.device === device))
      this.#count("sent: before the last was answered");
    if (underWay.some((before) => before.device !== device))
      this.#count("sent: while another device's is pending");
    this.#placesBefore.push({ batch, device, place });
  }

  #checkDocuments(): void {
    const { documents } = this.#tables;
    const rows = documents.map(({ collection, document_id, version, seq, deleted, data }) => [
      documentKey({ collection, documentId: document_id }),
      { version, seq, deleted, data },
    ]);
    const expected = [...this.#model.documents].map(([key, { versions }]) => {
      const data = versions.at(-1)?.data ?? null;
      const seq = this.#changesByDocument.get(key)?.at(-1)?.seq;
      return [key, { version: versions.length, seq, deleted: data === null, data }];
    });
    expectSame(Object.fromEntries(rows), Object.fromEntries(expected), "documents");
  }

  /** Checks that every change holds a run that may be folded, and equals the model at its last version. */
  #checkFeed(): void {
    const { changes } = this.#tables;
    expectSame(
      changes.map(({ seq }) => seq),
      changes.map((_, index) => index + 1),
      "the seqs of the feed",
    );
    const orders = changes.map((change) => {
      const run = this.#versionsIn(change);
      const [first] = run;
      const last = run.at(-1);
      if (
        first === undefined ||
        last === undefined ||
        run.length !== change.version - change.first_version + 1
      )
        throw new Error(`The model has no such versions: ${JSON.stringify(change)}`);
      const { data, ended, device_id } = change;
      const expected = {
        data: last.data,
        ended: endedBy(run),
        device_id: last.declared ? last.device : null,
      };
      expectSame({ data, ended, device_id }, expected, `change ${change.seq}`);
      if (run.length > 1 && !first.merged) this.#checkFold(change, run);
      return first.order;
    });
    expectSame(
      orders,
      orders.toSorted((a, b) => a - b),
      "the order of changes",
    );
    for (const [key, { versions }] of this.#model.documents) this.#checkVersions(key, versions);
  }

  /** Checks that each device has read the outcome of every operation, and which change holds it. */
  #checkOutcomes(): void {
    for (const { device, outcomes, clientIdsBySeq } of this.#played.deviceReaders.values()) {
      const rows = this.#tables.ledger.filter((row) => row.device_id === device && row.status !== "pending");
      expectSame(
        [...outcomes.values()]
          .map(({ client_id, status, seq, decided }) => [client_id, status, seq, decided] as const)
          .toSorted(byFirst),
        rows
          .map(
            ({ client_id, status, seq, decided }) =>
              [
                client_id,
                status,
                status === "success" ? (seq ?? undefined) : undefined,
                decided ?? undefined,
              ] as const,
          )
          .toSorted(byFirst),
        `the outcomes that ${device} has read`,
      );
      for (const change of this.#tables.changes) {
        const named = clientIdsBySeq.get(change.seq) ?? [];
        const versions = named.map((clientId) => {
          const row = this.#ledgerByKey.get(keyOf(device, clientId));
          expectSame([row?.status, row?.seq], ["success", change.seq], `${clientId}, which a change names`);
          return row?.version;
        });
        const run = this.#versionsIn(change);
        if (run[0]?.device !== device || run[0].merged) continue;
        const missing = run
          .map((_, index) => change.first_version + index)
          .filter((one) => !versions.includes(one));
        expectSame(missing, [], `the versions of change ${change.seq} that name no operation`);
      }
      this.#count("device: has read its outcomes");
    }
  }

  /** Checks that no page ends inside a group, so that no reader sees part of one. */
  #checkPages(): void {
    const groupOf = (change: Change | undefined) => change && this.#versionsIn(change)[0]?.group;
    for (const end of this.#played.pageEnds) {
      const group = groupOf(this.#tables.changes[end - 1]);
      if (group === undefined) continue;
      this.#count("page: ends with a group");
      if (this.#tables.changes.slice(end).some((change) => groupOf(change) === group))
        throw new Error(`A page of the feed ends inside a group, at seq ${end}`);
    }
  }

  #checkFold(change: Change, run: readonly Version[]): void {
    const [first] = run;
    const mayFold = run.every(
      (version, index) =>
        version.declared &&
        // No fold goes beyond a deletion of the fold's own document.
        (index === 0 || index === run.length - 1 || version.data !== null) &&
        version.device === first?.device &&
        version.unit === first.unit &&
        version.deviceTurn === first.deviceTurn + index &&
        version.documentTurn === first.documentTurn + index,
    );
    const removals = new Set(run.map(({ entry }) => this.#entries[entry]?.removal));
    // One commit's entries are removed together, unless a worker dies in between.
    const isOneCommit = this.#isDisturbed || removals.size === 1;
    if (!mayFold || !isOneCommit) throw new Error(`A forbidden fold: ${JSON.stringify({ change, run })}`);
    this.#count("fold");
    if (first?.unit !== undefined) this.#count("fold: in a group");
    if (run.some(({ entry }) => entry !== first?.entry)) this.#count("fold: over several batches");
  }

  /** Checks that a document's changes follow each other without a gap, and that a merge is a single change. */
  #checkVersions(key: string, versions: readonly Version[]): void {
    const changes = this.#changesByDocument.get(key) ?? [];
    let at = 0;
    for (const { first_version, version } of changes) {
      expectSame(first_version, at + 1, `the changes of ${key}`);
      at = version;
    }
    expectSame(at, versions.length, `the changes of ${key}`);
    versions.forEach((version, index) => {
      const isInside = version.merged && versions[index - 1]?.unit === version.unit;
      if (isInside && changes.some((change) => change.first_version === index + 1))
        throw new Error(`A merge of ${key} is more than one change: ${JSON.stringify(changes)}`);
    });
  }

  #versionsIn({ collection, document_id, first_version, version }: Change): readonly Version[] {
    const document = this.#model.documents.get(documentKey({ collection, documentId: document_id }));
    return document?.versions.slice(first_version - 1, version) ?? [];
  }

  #checkLedger(): void {
    const rows = [...this.#ledgerByKey].map(([key, { status, decided, version, error_type, batch_id }]) => [
      key,
      { status, decided, version, errorType: status === "success" ? null : error_type, batchId: batch_id },
    ]);
    const expected = [...this.#model.ledger].map(([key, { answer, batchId }]) => [
      key,
      {
        status: answer.status,
        decided: answer.choice ?? null,
        version: answer.version ?? null,
        errorType: answer.errorType ?? null,
        batchId,
      },
    ]);
    expectSame(Object.fromEntries(rows), Object.fromEntries(expected), "the ledger");
    for (const [key, { answer }] of this.#model.ledger) this.#checkSeq(key, answer);
  }

  /**
   * Checks that an operation names the change that holds it; one without a write names the workspace's `seq` at its
   * commit.
   */
  #checkSeq(key: string, answer: Answer): void {
    const seq = this.#ledgerByKey.get(key)?.seq ?? null;
    if (answer.status !== "success") return expectSame(seq, null, `seq of ${key}`);
    if (!answer.wrote) {
      const { least, most } = this.#seqAround(answer.entry);
      if (seq !== null && least <= seq && seq <= most) return;
      throw new Error(`seq of ${key} is ${seq}; expected ${least} to ${most}`);
    }
    expectSame(seq, this.#holderOf(key, answer)?.seq, `seq of ${key}`);
  }

  /** The change that holds the version that an operation reports. */
  #holderOf(key: string, { documentId, version = 0 }: Answer): Change | undefined {
    const changes = this.#changesByDocument.get(
      documentKey({ collection: this.#collectionOf(key), documentId }),
    );
    return changes?.find((change) => change.first_version <= version && version <= change.version);
  }

  #collectionOf(key: string): string {
    const content = this.#model.ledger.get(key)?.content ?? "[]";
    return String((JSON.parse(content) as unknown[])[1]);
  }

  /** The possible `seq` of the workspace at an entry's commit: other entries may have been committed with it. */
  #seqAround(entry: number): { least: number; most: number } {
    const removal = this.#entries[entry]?.removal;
    const lastOfCommit = this.#entries.findLastIndex(
      (other) => this.#isDisturbed || other.removal === removal,
    );
    const seqAfter = (last: number) =>
      this.#tables.changes.findLast((change) =>
        this.#versionsIn(change).some((version) => version.entry <= last),
      )?.seq ?? 0;
    return { least: seqAfter(entry), most: seqAfter(lastOfCommit) };
  }

  #checkConflicts(): void {
    const rows = this.#tables.conflicts.map((row) => [
      String(row["conflict_id"]),
      { ...row, overlap_list: byPath(row["overlap_list"] as Overlap[] | null) },
    ]);
    const expected = [...this.#model.conflicts.values()].map((conflict) => [
      this.#idOf(conflict),
      {
        conflict_id: this.#idOf(conflict),
        collection: conflict.collection,
        document_id: conflict.documentId,
        device_id: conflict.device,
        status: conflict.status,
        strategy: conflict.strategy,
        round: conflict.round,
        base_version: conflict.base,
        seen_version: conflict.seen,
        current_version: conflict.currentVersion,
        operation_count: conflict.held.length,
        result: conflict.result,
        overlap_list: byPath(conflict.overlaps),
        two_way: conflict.twoWay,
        resolved_version: conflict.resolvedVersion,
        ancestor_view: conflict.views?.ancestor ?? null,
        remote_view: conflict.views?.remote ?? null,
        local_view: conflict.views?.local ?? null,
      },
    ]);
    expectSame(Object.fromEntries(rows), Object.fromEntries(expected), "conflicts");
  }

  #checkDecisions(): void {
    const rows = this.#tables.decisions.map(({ client_id: _, ...row }) => row);
    const expected = this.#model.decisions.map((decision) => ({
      conflict_id: this.#idOf(decision.conflict),
      choice: decision.choice,
      replaced_version: decision.replacedVersion,
      replaced: decision.replaced,
      version: decision.version,
    }));
    const byText = (all: readonly unknown[]) => all.map((one) => canonicalJson(one as Json)).toSorted();
    expectSame(byText(rows), byText(expected), "the decisions");
  }

  #idOf(conflict: Conflict): string {
    const id = this.#ledgerByKey.get(conflict.key)?.conflict_id;
    if (id === null || id === undefined) throw new Error(`The ledger names no conflict for ${conflict.key}`);
    return id;
  }

  #checkAnswer({ batch, by, status, body }: Played["answered"][number]): void {
    const shown = `the answer to ${JSON.stringify(batch)}`;
    const said = this.#model.saidByBatch.get(body.batch_id);
    if (said === undefined) throw new Error(`A batch was answered that is on no lane: ${shown}`);
    const device = deviceOf(batch);
    const results = body.results.map(({ error, ...result }) => {
      expectSame(typeof error, result.status === "success" ? "undefined" : "string", shown);
      return result;
    });
    const expected = said.map(({ answer, replayed }, index) => {
      // A poll of a parked operation after a decision returns the decision's result.
      const isSince = answer.decided !== undefined && results[index]?.status === "success";
      const heard = isSince ? (answer.decided ?? answer) : answer;
      return this.#resultOf({ answer: heard, replayed }, keyOf(device, answer.clientId));
    });
    expectSame(results, expected, shown);
    const failed = results.some((result) => result.status !== "success");
    const isRefused = batch.atomic === true && failed;
    const statuses = {
      request: [isRefused ? 409 : 200],
      lookup: [200],
      either: isRefused ? [200, 409] : [200],
    };
    if (!statuses[by].includes(status)) throw new Error(`The status ${status} of ${shown}`);
    expectSame([body.status, body.total], [batchStatus(body.results), results.length], shown);
  }

  #resultOf({ answer, replayed }: Said, key: string): OperationResult {
    const { status, version, merged, choice, errorType, conflict, mismatch, met } = answer;
    const named = conflict && { conflict_id: this.#idOf(conflict) };
    return {
      client_id: answer.clientId,
      status,
      document_id: answer.documentId,
      ...(status === "success" && { version: version ?? -1, seq: this.#ledgerByKey.get(key)?.seq ?? -1 }),
      ...(merged && { merged: true as const, ...named, ...merged }),
      ...(choice && { decided: choice, ...named }),
      // The version's own document, and no other.
      ...((merged ?? choice) && { data: this.#holderOf(key, answer)?.data ?? null }),
      ...(errorType !== undefined && {
        error_type: errorType,
        action: answer.action ?? actionOf(errorType, met ?? null),
      }),
      ...(status === "conflict" &&
        mismatch && {
          conflict_data: {
            expected_version: mismatch.expected,
            current_version: mismatch.current,
            ...named,
            ...(met && { conflict_status: met }),
          },
        }),
      ...(replayed && { replayed: true as const }),
    };
  }
}

/** The history for people: the lane's entries in order, the answers, and the feed. */
/** For a deletion folded or merged with the edits before it: the document that those made. */
function endedBy(run: readonly Version[]): JsonObject | null {
  const last = run.at(-1);
  if (last?.data !== null) return null;
  return (last.merged ? last.ended : run.at(-2)?.data) ?? null;
}

function describe(played: Played, entries: readonly TappedEntry[], { changes }: Tables): string {
  const lane = entries.map(({ entry, place, answered, removal }, index) => {
    const at = `#${index} at ${place}, answered ${answered}, removal ${removal}`;
    if (entry.kind === "resolution") {
      const { conflictId, round, expectedVersion, operationsCovered, isLastRound } = entry.resolution;
      return `${at}: resolution ${JSON.stringify({ conflictId, round, expectedVersion, operationsCovered, isLastRound })}`;
    }
    const { batchId, requestId } = entry.batch;
    return `${at}: batch ${batchId} ${JSON.stringify(played.batchByRequestId.get(requestId))}`;
  });
  const answers = played.answered.map(
    ({ status, body }) => `${body.batch_id} ${status} ${JSON.stringify(body.results)}`,
  );
  const feed = changes.map((change) => JSON.stringify(change));
  return [...lane, "answers:", ...answers, "feed:", ...feed].join("\n");
}

/** Postgres orders the keys of an object itself. */
function byPath(overlaps: readonly Overlap[] | null): Overlap[] | null {
  return overlaps?.toSorted((a, b) => (a.path < b.path ? -1 : 1)) ?? null;
}

/** Fails with the differences. */
function expectSame(actual: unknown, expected: unknown, what: string): void {
  try {
    assert.deepEqual(actual, expected);
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function byFirst([one]: readonly [string, ...unknown[]], [other]: readonly [string, ...unknown[]]): number {
  return one < other ? -1 : Number(one > other);
}
