import type { JsonObject } from "@syncline/shared/document";
import { applyEffect } from "@syncline/shared/effects";
import type { Answer, Failure } from "../../ports/answer.ts";
import type {
  ConflictRecord,
  PulledChange,
  PushAnswer,
  PushBatch,
  PushedResult,
  StreamEnd,
  StreamEvent,
  Transport,
  WireOperation,
} from "../../ports/transport.ts";

export type RequestName = keyof Transport;

/** A request that a test may fail: before it is taken, or after (its answer is lost). */
export interface Fault {
  readonly name: RequestName;
  readonly when: "before" | "after";
  readonly failure: Failure | "never";
}

/**
 * A small server for directed tests: enough of the contract to follow the client's rules, with each answer in the
 * test's hand. The test kit's server keeps the whole contract.
 */
export class ScriptedServer {
  epoch = "epoch-1";
  seq = 0;
  readonly documents = new Map<
    string,
    { collection: string; id: string; version: number; seq: number; data: JsonObject | null }
  >();
  readonly changes: PulledChange[] = [];
  readonly ledger = new Map<string, PushedResult>();
  readonly conflicts = new Map<string, ConflictRecord>();
  /** Every request, in order. */
  readonly log: { name: RequestName; request: unknown }[] = [];
  readonly faults: Fault[] = [];
  /** The first `seq` that the feed still has, less one. */
  historyFrom = 0;
  /** Decides a conflict; default: merged. */
  strategy: "merge" | "park" | "report" = "merge";
  /** Answers before the results are known. */
  isSlow = false;
  /** Replaces the result of an operation. */
  answerWith: (operation: WireOperation) => PushedResult | undefined = () => undefined;
  readonly pending = new Map<string, PushAnswer>();
  readonly #streams = new Set<(event: StreamEvent) => void>();
  readonly #ends = new Set<(end: Answer<StreamEnd>) => void>();
  streamFailure: Failure | undefined;
  /** Ids of documents whose operations have a request refused: too much held, too large, invalid, or a server's fault. */
  overloadOf: string | undefined;
  tooLarge: string | undefined;
  invalid: string | undefined;
  poison: string | undefined;
  /** Refuses every batch that names a strategy. */
  overrideRefused = false;

  count(name: RequestName): number {
    return this.log.filter((entry) => entry.name === name).length;
  }

  get batches(): PushBatch[] {
    return this.log.flatMap(({ name, request }) =>
      name === "push" ? [(request as { batch: PushBatch }).batch] : [],
    );
  }

  fail(name: RequestName, failure: Failure | "never", when: "before" | "after" = "before", times = 1): void {
    for (let n = 0; n < times; n++) this.faults.push({ name, failure, when });
  }

  /** A write by someone else. */
  write(
    collection: string,
    id: string,
    data: JsonObject | null,
    deviceId: string | null = "other",
    clientIds?: string[],
  ): PulledChange {
    const key = `${collection}/${id}`;
    const before = this.documents.get(key);
    const version = (before?.version ?? 0) + 1;
    this.seq += 1;
    this.documents.set(key, { collection, id, version, seq: this.seq, data });
    const change: PulledChange = {
      seq: this.seq,
      collection,
      document_id: id,
      version,
      deleted: data === null,
      data,
      device_id: deviceId,
      committed_at: "2026-01-01T00:00:00Z",
      ...(clientIds === undefined ? {} : { client_ids: clientIds }),
    };
    this.changes.push(change);
    for (const tell of this.#streams) tell({ kind: "change", change });
    return change;
  }

  tell(event: StreamEvent): void {
    for (const listener of this.#streams) listener(event);
  }

  cutStreams(reason: StreamEnd["reason"] = "cut"): void {
    for (const end of this.#ends) end({ kind: "ok", body: { reason }, info: {} });
  }

  transport(): Transport {
    const serve =
      <Request, Body>(name: RequestName, run: (request: Request) => Answer<Body>) =>
      async (request: Request): Promise<Answer<Body>> => {
        this.log.push({ name, request: structuredClone(request) });
        const before = this.#takeFault(name, "before");
        if (before === "never") return await new Promise(() => {});
        if (before !== undefined) return before;
        const answer = structuredClone(run(request));
        const after = this.#takeFault(name, "after");
        if (after === "never") return await new Promise(() => {});
        return after ?? answer;
      };
    return {
      push: serve("push", ({ batch }: { batch: PushBatch }) => this.#push(batch)),
      batch: serve("batch", ({ batchId }: { batchId: string }) => this.#batch(batchId)),
      pull: serve("pull", ({ since, epoch, limit }: { since: number; epoch?: string; limit: number }) => {
        if (epoch !== undefined && epoch !== this.epoch) return { kind: "gone", cause: "epoch" };
        if (since < this.historyFrom) return { kind: "gone", cause: "history" };
        if (since > this.seq) return { kind: "gone", cause: "cursor" };
        const after = this.changes.filter(({ seq }) => seq > since);
        const changes = after.slice(0, limit);
        const more = after.length > limit;
        const next = more ? (changes.at(-1)?.seq ?? since) : this.seq;
        return ok({ epoch: this.epoch, changes, next, more });
      }),
      snapshot: serve("snapshot", ({ after, limit }: { after?: string; limit: number }) => {
        const all = [...this.documents.values()].filter(({ data }) => data !== null);
        const from = Number(after ?? 0);
        const documents = all.slice(from, from + limit).map(({ collection, id, version, seq, data }) => ({
          workspace_id: "w",
          collection,
          document_id: id,
          version,
          seq,
          data: data ?? {},
          updated_at: "2026-01-01T00:00:00Z",
        }));
        const next = from + limit < all.length ? String(from + limit) : null;
        return ok({ epoch: this.epoch, seq: this.pinnedSeq ?? this.seq, documents, next });
      }),
      listen: async (request, onEvent, context) => {
        this.log.push({ name: "listen", request });
        if (this.streamFailure !== undefined) return this.streamFailure;
        const listener = (event: StreamEvent) => {
          context.onProgress();
          void onEvent(event);
        };
        this.#streams.add(listener);
        listener({ kind: "open" });
        const end = await new Promise<Answer<StreamEnd>>((resolve) => {
          this.#ends.add(resolve);
          context.signal.addEventListener("abort", () => {
            resolve({ kind: "noAnswer" });
          });
        });
        this.#streams.delete(listener);
        return end;
      },
      conflicts: serve("conflicts", () => ok({ conflicts: [...this.conflicts.values()], next: null })),
      conflict: serve("conflict", ({ conflictId }: { conflictId: string }) => {
        const record = this.conflicts.get(conflictId);
        if (record === undefined) return { kind: "notFound" };
        return ok({ ...record, ancestor: null, remote: null, local: null, version: 1, overlaps: [] });
      }),
      preview: serve("preview", () => ok<JsonObject>({ choices: {} })),
      decide: serve("decide", () =>
        ok(answerOf("decision", [{ client_id: "decision", status: "success", version: 1, seq: this.seq }])),
      ),
      operation: serve("operation", () => ok<JsonObject>({ status: "success" })),
    };
  }

  pinnedSeq: number | undefined;

  #takeFault(name: RequestName, when: "before" | "after"): Failure | "never" | undefined {
    const at = this.faults.findIndex((fault) => fault.name === name && fault.when === when);
    return at === -1 ? undefined : this.faults.splice(at, 1)[0]?.failure;
  }

  #push(batch: PushBatch): Answer<PushAnswer> {
    const refused = this.#refuse(batch);
    if (refused !== undefined) return refused;
    const batchId = `batch-${this.log.length}`;
    const results = batch.operations.map((operation) => this.#take(operation, batch));
    if (!this.isSlow) return ok(answerOf(batchId, results));
    this.pending.set(batchId, answerOf(batchId, results));
    return ok(
      answerOf(
        batchId,
        results.map(({ client_id }) => ({ client_id, status: "pending" })),
      ),
    );
  }

  #refuse({ operations, on_conflict: strategy }: PushBatch): Failure | undefined {
    const named = (id: string | undefined) =>
      operations.find(({ document_id }) => document_id === id)?.client_id;
    const held = named(this.overloadOf);
    if (held !== undefined) return { kind: "overloaded", retryAfterMs: 5_000, operation: held };
    if (named(this.tooLarge) !== undefined) return { kind: "tooLarge", status: 413 };
    const invalid = named(this.invalid);
    if (invalid !== undefined) return { kind: "invalid", status: 422, operations: [invalid] };
    if (named(this.poison) !== undefined) return { kind: "unavailable", status: 500 };
    if (!this.overrideRefused || strategy === undefined) return undefined;
    return { kind: "overrideNotAllowed", operations: operations.map(({ client_id }) => client_id) };
  }

  #batch(batchId: string): Answer<PushAnswer> {
    const answer = this.pending.get(batchId);
    return answer === undefined ? { kind: "notFound" } : ok(answer);
  }

  #take(operation: WireOperation, batch: PushBatch): PushedResult {
    const key = `${batch.device_id}/${operation.client_id}`;
    const known = this.ledger.get(key);
    if (known !== undefined) return { ...known, replayed: true };
    const result = this.answerWith(operation) ?? this.#evaluate(operation, batch);
    if (result.status !== "skipped" && result.status !== "pending") this.ledger.set(key, result);
    return result;
  }

  #evaluate(operation: WireOperation, { device_id: deviceId }: PushBatch): PushedResult {
    const { client_id, collection, document_id: id, expected_version: expected } = operation;
    const current = this.documents.get(`${collection}/${id}`);
    const exists = current !== undefined && current.data !== null;
    const others = this.changes.some(
      (change) =>
        change.document_id === id && change.version > (expected ?? Infinity) && change.device_id !== deviceId,
    );
    const isConflict = (operation.operation === "create" && exists) || others;
    if (isConflict && this.strategy !== "merge") {
      const conflictId = `conflict-${this.conflicts.size + 1}`;
      const status = this.strategy === "park" ? "parked" : "reported";
      this.conflicts.set(conflictId, {
        conflict_id: conflictId,
        collection,
        document_id: id,
        device_id: deviceId,
        status,
      });
      const conflict_data = {
        expected_version: expected ?? null,
        current_version: current?.version ?? 0,
        conflict_id: conflictId,
      };
      const error_type = this.strategy === "park" ? "parked" : "version_mismatch";
      return { client_id, status: "conflict", error_type, conflict_data };
    }
    if (operation.operation === "update" && !exists) {
      return { client_id, status: "error", error_type: "document_not_found", error: "no such document" };
    }
    const { data, patch, operation: kind } = operation;
    const content = { kind, documentId: id, ...(data ? { data } : {}), ...(patch ? { patch } : {}) };
    const applied = applyEffect(current?.data ?? null, content);
    if (!applied.ok)
      return { client_id, status: "error", error_type: applied.errorType, error: applied.message };
    const change = this.write(collection, id, applied.document, deviceId);
    const success: PushedResult = {
      client_id,
      status: "success",
      document_id: id,
      version: change.version,
      seq: change.seq,
    };
    return isConflict ? { ...success, merged: true, overlaps: 0 } : success;
  }
}

function ok<Body>(body: Body): Answer<Body> {
  return { kind: "ok", body, info: {} };
}

function answerOf(batchId: string, results: PushedResult[]): PushAnswer {
  const successful = results.filter(({ status }) => status === "success").length;
  const isPending = results.some(({ status }) => status === "pending");
  return {
    batch_id: batchId,
    status: isPending ? "pending" : "completed",
    total: results.length,
    successful,
    failed: results.length - successful,
    processing_time_ms: 1,
    results,
  };
}
