import { batchStatus, type DocumentBody, type OperationResult } from "@syncline/shared";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";
import { history, ownEdits, type BatchDraft, type History, type OwnEdit } from "./arbitraries.ts";
import { Composer } from "./compose-batch.ts";
import { keyOf, Model, type Answer, type Change, type Count, type SentBatch } from "./model.ts";

const env = process.env;
const number = (text: string | undefined, otherwise: number) => (text ? Number(text) : otherwise);
const SEQUENTIAL_RUNS = number(env["HISTORY_RUNS"], 60);
const CONCURRENT_RUNS = number(env["HISTORY_RUNS"], 20);
/** Fewer, because merges that meet again and again wait between their rounds. */
const OWN_EDIT_RUNS = Math.ceil(CONCURRENT_RUNS / 3);
const SEED = number(env["HISTORY_SEED"], 1);
const CONCURRENT_SEED = number(env["HISTORY_SEED"], Date.now() % 2 ** 31);
const TIME_LIMIT_MS = 45_000 + 2_000 * Math.max(0, SEQUENTIAL_RUNS - 60);
const TIMEOUT_MS = TIME_LIMIT_MS + 20_000;
/** Below this many runs nobody can expect a history to meet everything. */
const RUNS_THAT_MEET_ALL = 60;

let system: System;
beforeAll(async () => {
  system = await startSystem({ workers: 2 });
});
afterAll(() => system.stop());

/** A failing history ends the run with its seed, its path and itself as JSON, shrunk. */
async function assertAll<T>(
  histories: fc.Arbitrary<T>,
  play: (history: T) => Promise<void>,
  runs: number,
  seed: number,
): Promise<void> {
  await fc.assert(fc.asyncProperty(histories, play), {
    numRuns: runs,
    seed,
    // Shrinking ends with the smallest that was found by then.
    interruptAfterTimeLimit: TIME_LIMIT_MS,
    markInterruptAsFailure: true,
    reporter: (details) => {
      if (!details.failed) return;
      console.error(`The failing history: ${JSON.stringify(details.counterexample?.[0])}`);
      throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance });
    },
  });
}

async function assertHistories(play: (history: History) => Promise<void>, runs: number, seed: number) {
  const replay = env["HISTORY_FILE"];
  if (replay) return play(JSON.parse(readFileSync(replay, "utf8")) as History);
  await assertAll(history, play, runs, seed);
}

async function changesAfter(client: Client, seq: number): Promise<Change[]> {
  const sql = `SELECT seq::int, document_id, first_version::int, version::int, data, device_id
    FROM changes WHERE workspace_id = $1 AND seq > $2 ORDER BY seq`;
  return (await system.pool.query<Change>(sql, [client.workspaceId, seq])).rows;
}

async function rowsOf<T>(client: Client, table: string): Promise<T[]> {
  const sql = `SELECT * FROM ${table} WHERE workspace_id = $1`;
  return (await system.pool.query(sql, [client.workspaceId])).rows as T[];
}

describe("a history sent one batch after the other", () => {
  const met = new Map<string, number>();
  const count: Count = (what) => met.set(what, (met.get(what) ?? 0) + 1);

  it("is answered, applied and merged as the model says", { timeout: TIMEOUT_MS }, async () => {
    await assertHistories((history) => playAlone(history, count), SEQUENTIAL_RUNS, SEED);
    if (env["HISTORY_VERBOSE"])
      console.log(Object.fromEntries([...met].sort(([one], [other]) => one.localeCompare(other))));
  });

  it.skipIf(SEQUENTIAL_RUNS < RUNS_THAT_MEET_ALL || env["HISTORY_FILE"])(
    "meets everything there is to meet",
    () => {
      expect(EVERYTHING.filter((what) => !met.has(what))).toEqual([]);
    },
  );
});

async function playAlone(history: History, count: Count): Promise<void> {
  const workspaces = await Promise.all(
    [0, 1].map(async () => {
      const model = new Model(count);
      return { client: await createClient(system), model, composer: new Composer(model) };
    }),
  );
  for (const draft of history) {
    const workspace = workspaces[draft.workspace];
    if (workspace === undefined) throw new Error("A history names a workspace that there is not");
    const { client, model, composer } = workspace;
    const batch = composer.compose(draft);
    const seqBefore = model.seq;
    const { status, body } = await client.post({ ...batch });
    const said = JSON.stringify({ batch, status, body });
    const changes = await changesAfter(client, seqBefore);
    const shown = `${said}\n${JSON.stringify(changes)}`;
    let answers: Answer[];
    try {
      answers = model.accept(batch, changes);
    } catch (error) {
      throw new Error(`The changes are not the model's, after ${shown}`, { cause: error });
    }
    expect(body.results.length, said).toBe(answers.length);
    answers.forEach((answer, index) =>
      checkResult(answer, body.results[index], batch, model, changes, shown),
    );
    const failed = body.results.some((result) => result.status !== "success");
    expect([status, body.status], shown).toEqual([
      batch.atomic && failed ? 409 : 200,
      batchStatus(body.results),
    ]);
  }
  for (const { client, model } of workspaces) {
    const documents = await rowsOf<{ document_id: string; version: string; data: unknown }>(
      client,
      "documents",
    );
    expect(documents.length).toBe(model.documents.size);
    for (const { document_id, version, data } of documents) {
      expect(data).toEqual(model.data(document_id));
      expect(Number(version)).toBe(model.documents.get(document_id)?.states.length);
    }
    expect((await rowsOf(client, "operations")).length).toBe(model.ledger.size);
  }
  expect(await system.entriesOnLanes()).toBe(0);
}

/** Holds a result against the model's answer, and keeps in the model what only the server can know. */
function checkResult(
  answer: Answer,
  result: OperationResult | undefined,
  batch: SentBatch,
  model: Model,
  changes: readonly Change[],
  shown: string,
): void {
  if (result === undefined) throw new Error(`A result is missing: ${shown}`);
  const { operation, conflict, conflictData, replayOf } = answer;
  if (replayOf !== undefined) {
    expect(result, shown).toEqual({ ...replayOf.result, replayed: true });
    return;
  }
  const recorded = model.ledger.get(keyOf(batch, operation));
  if (recorded?.answer === answer) recorded.result = result;
  if (conflict !== undefined) conflict.id ??= result.conflict_id ?? result.conflict_data?.conflict_id;
  const named = conflict === undefined ? {} : { conflict_id: conflict.id };
  const { error, seq, ...rest } = result;
  const failed = answer.status !== "success";
  expect(rest, shown).toEqual({
    client_id: operation.client_id,
    document_id: operation.document_id,
    status: answer.status,
    ...(answer.status === "success" && { version: answer.version }),
    ...(answer.merged && { merged: true, rounds: 1, overlaps: answer.overlaps, ...named }),
    ...(answer.errorType !== undefined && { error_type: answer.errorType }),
    ...(answer.status === "conflict" && { conflict_data: { ...conflictData, ...named } }),
  });
  expect(typeof error, shown).toBe(failed ? "string" : "undefined");
  if (failed) return expect(seq, shown).toBeUndefined();
  const { version = 0, wrote, merged } = answer;
  if (!wrote) {
    if (!merged) return expect(seq, shown).toBe(model.seqOfBatch);
    expect(seq, shown).toBeGreaterThanOrEqual(model.seqOfBatch);
    return expect(seq, shown).toBeLessThanOrEqual(model.seq);
  }
  const holds = changes.find(
    (change) =>
      change.document_id === operation.document_id &&
      change.first_version <= version &&
      version <= change.version,
  );
  expect(seq, shown).toBe(holds?.seq);
}

it("an applied operation that is sent again behind a group's culprit says that it was applied", async () => {
  const client = await createClient(system);
  const put = { operation: "put", client_id: "put", document_id: "document", data: {} };
  await client.post({ device_id: "device", operations: [put] });
  const failing = { operation: "update", client_id: "failing", document_id: "none", data: {} };
  const { body } = await client.post({ device_id: "device", atomic: true, operations: [failing, put] });
  expect(body.results[0]?.status).toBe("error");
  expect(body.results[1]).toMatchObject({ status: "success", version: 1, seq: 1, replayed: true });
});

describe("a history sent by all devices at once", () => {
  it("keeps its promises", { timeout: TIMEOUT_MS }, async () => {
    console.log(`Concurrent histories: seed ${CONCURRENT_SEED}`);
    await assertHistories(playTogether, CONCURRENT_RUNS, CONCURRENT_SEED);
  });

  it.skipIf(env["HISTORY_FILE"])("loses no edit", { timeout: TIMEOUT_MS }, async () => {
    await assertAll(ownEdits, editTogether, OWN_EDIT_RUNS, CONCURRENT_SEED);
  });
});

/** Versions that devices have heard of in any answer. */
class Heard {
  readonly #versions = new Map<string, number[]>();

  receivable(documentId: string): readonly number[] {
    return this.#versions.get(documentId) ?? [];
  }

  hear(results: readonly OperationResult[]): void {
    for (const { document_id: id, version } of results) {
      if (id === undefined || version === undefined || version === 0) continue;
      const versions = new Set(this.#versions.get(id)).add(version);
      this.#versions.set(
        id,
        [...versions].sort((a, b) => a - b),
      );
    }
  }
}

interface Sent {
  client: Client;
  batch: SentBatch;
  results: OperationResult[];
}

async function playTogether(history: History): Promise<void> {
  const workspaces = await Promise.all(
    [0, 1].map(async () => {
      const heard = new Heard();
      return { client: await createClient(system), heard, composer: new Composer(heard) };
    }),
  );
  const byDevice = Map.groupBy(history, (draft) => draft.device);
  const sent: Sent[] = [];
  await Promise.all(
    [...byDevice.values()].map(async (drafts) => {
      for (const draft of drafts) {
        const workspace = workspaces[draft.workspace];
        if (workspace === undefined) throw new Error("A history names a workspace that there is not");
        const { client, heard, composer } = workspace;
        const batch = composer.compose(draft);
        // Now and then a device does not wait for the answer before it sends the same again.
        const copies = draft.operations.length % 3 === 0 ? 2 : 1;
        const answers = await Promise.all(Array.from({ length: copies }, () => client.post({ ...batch })));
        for (const { status, body } of answers) {
          expect([200, 409], JSON.stringify({ batch, status, body })).toContain(status);
          sent.push({ client, batch, results: body.results });
          heard.hear(body.results);
        }
      }
    }),
  );
  for (const { client } of workspaces)
    await checkWorkspace(
      client,
      sent.filter((one) => one.client === client),
    );
  await eventually(async () => expect(await system.entriesOnLanes()).toBe(0));
}

/** Every edit is of a field of its own, so all of them must succeed, and stand in the documents in the end. */
async function editTogether(batches: OwnEdit[][]): Promise<void> {
  const client = await createClient(system);
  const heard = new Heard();
  const composer = new Composer(heard);
  const documentIds = ["document_0", "document_1"];
  const create = documentIds.map((document_id) => ({
    operation: "create",
    client_id: document_id,
    document_id,
    data: {},
  }));
  heard.hear((await client.post({ device_id: "founder", operations: create })).body.results);
  const sent: Sent[] = [];
  await Promise.all(
    [...Map.groupBy(batches, (edits) => edits[0]?.device).values()].map(async (ofDevice) => {
      for (const edits of ofDevice) {
        const batch = composer.compose(draftOf(edits));
        for (const operation of batch.operations) operation.data = { [operation.client_id]: 1 };
        const { body } = await client.post({ ...batch });
        heard.hear(body.results);
        sent.push({ client, batch, results: body.results });
      }
    }),
  );
  await checkWorkspace(client, sent);
  const shown = JSON.stringify(sent.map(({ batch, results }) => ({ batch, results })));
  for (const documentId of documentIds) {
    const edits = sent.flatMap(({ batch }) =>
      batch.operations.filter((one) => one.document_id === documentId),
    );
    const { body } = await client.get<DocumentBody>(`/documents/documents/${documentId}`);
    expect(body.data, shown).toEqual(Object.fromEntries(edits.map(({ client_id }) => [client_id, 1])));
    expect(body.version, shown).toBe(edits.length + 1);
  }
}

function draftOf(edits: readonly OwnEdit[]): BatchDraft {
  const operations = edits.map(({ document, expected }) => ({
    kind: "update" as const,
    document,
    data: {},
    expected: expected.how === "ahead" ? { how: "current" as const } : expected,
    group: 0,
    origin: { how: "new" as const },
  }));
  return { workspace: 0, device: edits[0]?.device ?? 0, atomic: false, otherEpoch: false, operations };
}

interface LedgerRow {
  device_id: string;
  client_id: string;
  operation: string;
  document_id: string;
  status: string;
  merged: boolean;
  version: string | null;
  seq: string | null;
  error_type: string | null;
}

async function checkWorkspace(client: Client, sent: readonly Sent[]): Promise<void> {
  const changes = await changesAfter(client, 0);
  const ledger = await rowsOf<LedgerRow>(client, "operations");
  const documents = await rowsOf<{ document_id: string; version: string; seq: string; data: unknown }>(
    client,
    "documents",
  );
  const shown = JSON.stringify({ sent: sent.map(({ batch, results }) => ({ batch, results })), changes });

  expect(
    changes.map((change) => change.seq),
    shown,
  ).toEqual(changes.map((_, index) => index + 1));
  const byDocument = Map.groupBy(changes, (change) => change.document_id);
  expect(documents.length, shown).toBe(byDocument.size);
  for (const { document_id, version, seq, data } of documents) {
    const own = byDocument.get(document_id) ?? [];
    own.forEach((change, index) => {
      expect(change.first_version, shown).toBe((own[index - 1]?.version ?? 0) + 1);
      expect(change.version, shown).toBeGreaterThanOrEqual(change.first_version);
    });
    expect({ version: Number(version), seq: Number(seq), data }, shown).toEqual({
      version: own.at(-1)?.version,
      seq: own.at(-1)?.seq,
      data: own.at(-1)?.data,
    });
    // Each version is some operation's, and none is two operations'.
    const claims = ledger
      .filter((row) => row.document_id === document_id && row.status === "success")
      .filter((row) =>
        own.some((change) => change.seq === Number(row.seq) && holds(change, Number(row.version))),
      );
    for (let at = 1; at <= Number(version); at += 1) {
      expect(
        claims.some((row) => Number(row.version) === at),
        `version ${at} of ${document_id}: ${shown}`,
      ).toBe(true);
    }
  }

  const ledgerByKey = new Map(ledger.map((row) => [JSON.stringify([row.device_id, row.client_id]), row]));
  expect(ledgerByKey.size, shown).toBe(ledger.length);
  for (const row of ledger) {
    expect(row.status, shown).not.toBe("pending");
    if (row.status !== "success") continue;
    const seq = Number(row.seq);
    expect(seq, shown).toBeLessThanOrEqual(changes.length);
    const own = byDocument.get(row.document_id) ?? [];
    const holder = own.find((change) => holds(change, Number(row.version)));
    // Only what may find nothing to write names another seq than that of the change that holds its version.
    if (holder?.seq === seq) continue;
    expect(row.operation === "delete" || row.merged, shown).toBe(true);
    expect(seq, shown).toBeGreaterThan(holder?.seq ?? -1);
  }

  for (const { batch, results } of sent) {
    results.forEach((result, index) => {
      const operation = batch.operations[index];
      if (operation === undefined || !isRecorded(result)) return;
      const row = ledgerByKey.get(keyOf(batch, operation));
      const { status, version, seq } = result;
      expect([status, version, seq], shown).toEqual([
        row?.status,
        status === "success" ? Number(row?.version) : undefined,
        status === "success" ? Number(row?.seq) : undefined,
      ]);
    });
  }
  // Sent once more, what is recorded is answered as it was.
  for (const { batch, results } of sent) {
    const { body } = await client.post({ ...batch });
    results.forEach((result, index) => {
      const again = body.results[index];
      if (isRecorded(result)) expect(again, shown).toEqual({ ...result, replayed: true });
    });
  }
}

function holds(change: Change, version: number): boolean {
  return change.first_version <= version && version <= change.version;
}

/** Whether the ledger keeps a result; the others are judged anew each time. */
function isRecorded(result: OperationResult): boolean {
  if (result.status === "skipped" || result.error_type === "client_id_reused") return false;
  // A group that found one of its operations still being merged.
  return result.status !== "conflict" || result.conflict_data !== undefined;
}

/** What the histories together must have met, so that a generator that got narrow is found out. */
const EVERYTHING = [
  "create: document_exists",
  "create: deleted",
  "create: absent",
  "put: any version",
  "put: not there",
  "put: version_ahead",
  "put: current version",
  "put: own changes since",
  "put: version_mismatch",
  "put: other_epoch",
  "update: document_not_found",
  "update: document_deleted",
  "update: any version",
  "update: current version",
  "update: own changes since",
  "update: version_mismatch",
  "update: version_ahead",
  "update: other_epoch",
  "delete: nothing to delete",
  "delete: any version",
  "delete: current version",
  "delete: own changes since",
  "delete: version_mismatch",
  "delete: version_ahead",
  "delete: other_epoch",
  "patch_failed",
  "fold",
  "group: applied",
  "group: failed",
  "atomic batch: applied",
  "atomic batch: failed",
  "held",
  "behind: open, in a group",
  "behind: parked",
  "behind: reported",
  "reported",
  "parked",
  "merged: merge",
  "merged: merge, no ancestor",
  "merged: client-wins",
  "merged: server-wins",
  "merged: last-write-wins",
  "merged: manual",
  "merged: overlaps",
  "merged: written",
  "merged: nothing to write",
  "merge: an operation that fails",
  "stacked on an own merge",
  "sent again: success",
  "sent again: conflict",
  "sent again: error",
  "another content under a client_id",
];
