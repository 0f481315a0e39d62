import { randomUUID } from "node:crypto";
import { readEnv } from "@syncline/kit/process";
import { createLogger } from "@syncline/kit/telemetry";
import type { ChangeBody, ChangesBody, DocumentBody } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envSchema } from "../../services/worker/src/env.ts";
import { createPgRetention } from "../../services/worker/src/io/pg-retention.ts";
import { createApplyRetention } from "../../services/worker/src/jobs/apply-retention.ts";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

const RETENTION = { ledgerDays: 180, historyDays: 180, conflictsDays: 180, batchesDays: 30 };
const KEEP_ALL = {
  RETENTION_LEDGER_DAYS: "0",
  RETENTION_HISTORY_DAYS: "0",
  RETENTION_CONFLICTS_DAYS: "0",
  RETENTION_BATCHES_DAYS: "0",
};
const log = createLogger({ service: "retention-test", level: "warn" });

let operations = 0;
const put = (documentId: string, data: object, more: object = {}) => ({
  operation: "put",
  client_id: `r${++operations}`,
  document_id: documentId,
  data,
  ...more,
});
const remove = (documentId: string) => ({
  operation: "delete",
  client_id: `r${++operations}`,
  document_id: documentId,
});

async function send(
  client: Client,
  deviceId: string | undefined,
  operation: Record<string, unknown>,
  batch: Record<string, unknown> = {},
) {
  const device = deviceId === undefined ? {} : { device_id: deviceId };
  const { body } = await client.post({ ...device, ...batch, operations: [operation] });
  const [result] = body.results;
  if (result === undefined) throw new Error(`no result: ${JSON.stringify(body)}`);
  return { ...result, batchId: body.batch_id };
}

const changesOf = async (system: System, { workspaceId }: Client, documentId: string) =>
  (
    await system.pool.query<{ version: number }>(
      "SELECT version FROM changes WHERE workspace_id = $1 AND document_id = $2 ORDER BY version",
      [workspaceId, documentId],
    )
  ).rows.map(({ version }) => version);

/** Makes changes of these versions of a document older; by default all of the workspace. */
async function ageChanges(
  system: System,
  client: Client,
  days: number,
  of?: { documentId: string; versions: number[] },
): Promise<void> {
  await system.pool.query(
    `UPDATE changes SET committed_at = committed_at - $2 * interval '1 day'
     WHERE workspace_id = $1 AND ($3::text IS NULL OR (document_id = $3 AND version = ANY ($4::bigint[])))`,
    [client.workspaceId, days, of?.documentId ?? null, of?.versions ?? null],
  );
}

const count = async (system: System, table: string, where: string, values: unknown[]) =>
  (await system.pool.query(`SELECT FROM ${table} WHERE ${where}`, values)).rowCount ?? 0;

const madeAt = (ms: number) => {
  const [first = "", , , ...rest] = randomUUID().split("-");
  const hex = ms.toString(16).padStart(12, "0");
  return [hex.slice(0, 8), hex.slice(8), `7${first.slice(0, 3)}`, ...rest].join("-");
};
const DAY_MS = 86_400_000;

describe("retention", () => {
  let system: System;
  let client: Client;
  let apply: () => Promise<void>;
  beforeAll(async () => {
    // The services keep everything, so that the tests decide when retention runs.
    system = await startSystem({ env: KEEP_ALL });
    client = await createClient(system);
    const store = createPgRetention(system.pool);
    apply = createApplyRetention({ store, isRunning: () => true, log }, RETENTION);
  });
  afterAll(() => system.stop());

  const feedFrom = async ({ workspaceId }: Client) => {
    const { rows } = await system.pool.query<{ feed_from: number }>(
      "SELECT feed_from FROM workspaces WHERE workspace_id = $1",
      [workspaceId],
    );
    return rows[0]?.feed_from;
  };

  describe("of history", () => {
    it("drops versions superseded before the cut-off, and none that was current after it", async () => {
      const one = await createClient(system);
      for (let n = 1; n <= 4; n++) await send(one, "dev_1", put("doc", { n }));
      await send(one, "dev_1", put("still", { n: 1 }));
      // Version 2 is old, but was current until a week ago.
      await ageChanges(system, one, 300, { documentId: "doc", versions: [1, 2] });
      await ageChanges(system, one, 7, { documentId: "doc", versions: [3] });
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([2, 3, 4]);
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([4]);
      expect(await changesOf(system, one, "still")).toEqual([1]);
      expect(await feedFrom(one)).toBe(3);
      const { body } = await one.get<DocumentBody>("/documents/documents/doc");
      expect(body).toMatchObject({ version: 4, data: { n: 4 } });
    });

    it("resumes at its position: later versions are dropped later", async () => {
      const one = await createClient(system);
      for (let n = 1; n <= 3; n++) await send(one, "dev_1", put("doc", { n }));
      await ageChanges(system, one, 300);
      await apply();
      for (let n = 4; n <= 5; n++) await send(one, "dev_1", put("doc", { n }));
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([3, 4, 5]);
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([5]);
      expect(await feedFrom(one)).toBe(4);
    });

    it("processes long histories page by page, and a fold as a single change", async () => {
      const one = await createClient(system);
      for (let batch = 0; batch < 4; batch++) {
        const run = Array.from({ length: 100 }, (_, n) => put(`doc_${n % 30}`, { batch, n }));
        expect((await one.post({ device_id: "dev_1", operations: run })).body.status).toBe("completed");
      }
      await one.post({ device_id: "dev_1", operations: [put("folded", { n: 1 }), put("folded", { n: 2 })] });
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "folded")).toEqual([2]);
      expect(await count(system, "changes", "workspace_id = $1", [one.workspaceId])).toBe(31);
      const current = `SELECT FROM documents d JOIN changes c USING (workspace_id, seq, collection, document_id, version)
        WHERE workspace_id = $1`;
      expect((await system.pool.query(current, [one.workspaceId])).rowCount).toBe(31);
    });

    it("keeps a tombstone's key and version, drops the deleted document, and its own change once superseded", async () => {
      const one = await createClient(system);
      await send(one, "dev_1", put("gone", { n: 1 }));
      await send(one, "dev_1", remove("gone"));
      await send(one, "dev_1", put("back", { n: 1 }));
      await send(one, "dev_1", remove("back"));
      await send(one, "dev_1", put("back", { n: 3 }));
      // Created and deleted in one write: its change is the tombstone, and holds the deleted document.
      await one.post({ device_id: "dev_1", operations: [put("brief", { n: 1 }), remove("brief")] });
      const bodies = async (documentId: string) =>
        count(
          system,
          "changes",
          "workspace_id = $1 AND document_id = $2 AND (data IS NOT NULL OR ended IS NOT NULL)",
          [one.workspaceId, documentId],
        );
      expect([await bodies("gone"), await bodies("brief")]).toEqual([1, 1]);
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "gone")).toEqual([2]);
      expect(await changesOf(system, one, "back")).toEqual([3]);
      expect(await changesOf(system, one, "brief")).toEqual([2]);
      expect([await bodies("gone"), await bodies("brief")]).toEqual([0, 0]);
      const { headers, status } = await one.get("/documents/documents/gone");
      expect([status, headers.get("etag")]).toEqual([404, '"2"']);
      expect(await send(one, "dev_2", put("gone", { n: 3 }, { expected_version: 2 }))).toMatchObject({
        status: "success",
        version: 3,
      });
    });

    /**
     * Parks a conflict of a device that knows `baseVersion`, about the field in which the document's versions differ.
     */
    async function parkOn(
      one: Client,
      documentId: string,
      baseVersion: number,
      deviceId = `dev_${randomUUID()}`,
    ): Promise<string> {
      const update = {
        operation: "update",
        client_id: `r${++operations}`,
        document_id: documentId,
        data: { n: "mine" },
        expected_version: baseVersion,
      };
      const result = await send(one, deviceId, update, { on_conflict: "manual" });
      expect(result).toMatchObject({ status: "conflict", error_type: "parked" });
      return result.conflict_data?.conflict_id ?? "";
    }

    it("keeps the ancestor of a parked conflict, and drops it after its resolution", async () => {
      const one = await createClient(system);
      for (let n = 1; n <= 3; n++) await send(one, `dev_${n}`, put("doc", { n }));
      const conflictId = await parkOn(one, "doc", 2);
      await send(one, "dev_4", put("doc", { n: 4 }));
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([2, 4]);

      await system.pool.query("UPDATE conflicts SET status = 'resolved' WHERE conflict_id = $1", [
        conflictId,
      ]);
      await send(one, "dev_5", put("doc", { n: 5 }));
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([5]);
    });

    it("keeps the versions that an unsettled conflict's run rises to", async () => {
      const one = await createClient(system);
      for (let n = 1; n <= 3; n++) await send(one, `dev_${n}`, put("doc", { n }));
      await parkOn(one, "doc", 2, "parking");
      await send(one, "dev_4", put("doc", { n: 4 }));
      await send(one, "dev_5", put("doc", { n: 5 }));
      const behind = { ...put("doc", { n: 6 }), expected_version: 4 };
      expect(await send(one, "parking", behind)).toMatchObject({ error_type: "behind_conflict" });
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([2, 4, 5]);
    });

    it("keeps the ancestor of an open conflict in a fold", async () => {
      const one = await createClient(system);
      await send(one, "dev_1", put("doc", { n: 0 }));
      await one.post({ device_id: "dev_2", operations: [put("doc", { n: 1 }), put("doc", { n: 2 })] });
      await send(one, "dev_3", put("doc", { n: 4 }));
      expect(await changesOf(system, one, "doc")).toEqual([1, 3, 4]);
      const conflictId = await parkOn(one, "doc", 1);
      // Sets it as still being merged, and just seen by the sweep. Version 2 is inside the fold.
      await system.pool.query(
        "UPDATE conflicts SET status = 'open', base_version = 2, seen_version = 2, updated_at = 'infinity' WHERE conflict_id = $1",
        [conflictId],
      );
      await ageChanges(system, one, 300);
      await apply();
      // The held operation names version 1, which is kept for it.
      expect(await changesOf(system, one, "doc")).toEqual([1, 3, 4]);
    });

    it("keeps later writes of an unsettled conflict's device, after the version that it named", async () => {
      const one = await createClient(system);
      await send(one, "dev_1", put("doc", { n: 1 }));
      const own = { device_id: "parking", operations: [put("doc", { n: 2 })] };
      expect((await one.post(own)).body.results).toMatchObject([{ version: 2 }]);
      for (let n = 3; n <= 4; n++) await send(one, `dev_${n}`, put("doc", { n }));
      const conflictId = await parkOn(one, "doc", 1, "parking");
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([2, 4]);
      expect((await one.get(`/conflicts/${conflictId}`)).body).toMatchObject({ ancestor: { n: 2 } });
    });

    it("keeps what an unsettled conflict's device made of a document that it created", async () => {
      const one = await createClient(system);
      const own = { device_id: "parking", operations: [put("doc", { n: 1 })] };
      expect((await one.post(own)).body.results).toMatchObject([{ version: 1 }]);
      for (let n = 2; n <= 3; n++) await send(one, `dev_${n}`, put("doc", { n }));
      const conflictId = await parkOn(one, "doc", 0, "parking");
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([1, 3]);
      expect((await one.get(`/conflicts/${conflictId}`)).body).toMatchObject({ ancestor: { n: 1 } });
    });

    it("keeps a tombstone that is an ancestor, and the last live version before it", async () => {
      const one = await createClient(system);
      await send(one, "dev_1", put("doc", { n: 0 }));
      await send(one, "dev_1", put("doc", { n: 1 }));
      await send(one, "dev_2", remove("doc"));
      await send(one, "dev_3", put("doc", { n: 4 }));
      await send(one, "dev_4", put("doc", { n: 5 }));
      await parkOn(one, "doc", 3);
      await ageChanges(system, one, 300);
      await apply();
      expect(await changesOf(system, one, "doc")).toEqual([2, 3, 5]);
    });

    it("waits for a commit in flight, and keeps the ancestor of a conflict that it opens", async () => {
      const one = await createClient(system);
      for (let n = 1; n <= 2; n++) await send(one, `dev_${n}`, put("doc", { n }));
      const conflictId = await parkOn(one, "doc", 1);
      const { rows: records } = await system.pool.query<{ record: unknown }>(
        "DELETE FROM conflicts c WHERE conflict_id = $1 RETURNING to_jsonb(c) AS record",
        [conflictId],
      );
      await ageChanges(system, one, 300);
      const drain = await system.pool.connect();
      try {
        await drain.query("BEGIN");
        await drain.query("UPDATE workspaces SET revision = revision + 1 WHERE workspace_id = $1", [
          one.workspaceId,
        ]);
        const applied = apply();
        await eventually(async () => {
          // Within a transaction Postgres caches the activity of the first query.
          await drain.query("SELECT pg_stat_clear_snapshot()");
          const waiting = await drain.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          );
          expect(waiting.rowCount).toBe(1);
        });
        await drain.query("INSERT INTO conflicts SELECT (jsonb_populate_record(NULL::conflicts, $1)).*", [
          records[0]?.record,
        ]);
        await drain.query("COMMIT");
        await applied;
      } finally {
        drain.release();
      }
      expect(await changesOf(system, one, "doc")).toEqual([1, 2]);
    });

    it("leaves a later merge the ancestor that is sent along, otherwise a two-way merge", async () => {
      const merge = async (more: object) => {
        const one = await createClient(system);
        await send(one, "dev_1", put("doc", { a: 1, b: 1, c: 1 }));
        await send(one, "dev_1", put("doc", { a: 2, b: 1, c: 1 }));
        await ageChanges(system, one, 300);
        await apply();
        expect(await changesOf(system, one, "doc")).toEqual([2]);
        const late = put("doc", { a: 1, b: 3, c: 1 }, { expected_version: 1, ...more });
        const result = await send(one, "dev_2", late);
        expect(result).toMatchObject({ status: "success", merged: true });
        const conflict = await one.get<{ two_way: boolean }>(`/conflicts/${result.conflict_id ?? ""}`);
        const document = await one.get<DocumentBody>("/documents/documents/doc");
        return { twoWay: conflict.body.two_way, data: document.body.data };
      };
      expect(await merge({ ancestor: { a: 1, b: 1, c: 1 } })).toEqual({
        twoWay: false,
        data: { a: 2, b: 3, c: 1 },
      });
      expect(await merge({})).toEqual({ twoWay: true, data: { a: 1, b: 3, c: 1 } });
    });

    it("answers a reader from before it 410, with the way to start again", async () => {
      const one = await createClient(system);
      for (let n = 1; n <= 3; n++) await send(one, "dev_1", put("doc", { n }));
      await send(one, "dev_1", put("other", { n: 1 }));
      await ageChanges(system, one, 300);
      await apply();
      for (const since of [0, 1]) {
        const { status, body } = await one.get<{ type: string; snapshot: string }>(`/changes?since=${since}`);
        expect(status).toBe(410);
        expect(body.type).toMatch(/history-gone$/);
        expect(body.snapshot).toBe(`/api/v1/workspaces/${one.workspaceId}/snapshot`);
      }
      const page = await one.get<ChangesBody>("/changes?since=2");
      expect(page.body.changes.map(({ seq }) => seq)).toEqual([3, 4]);
      const { seq, documents } = await readSnapshot(system, one);
      expect(documents.map(({ document_id }) => document_id)).toEqual(["doc", "other"]);
      expect((await one.get<ChangesBody>(`/changes?since=${seq}`)).body).toMatchObject({
        changes: [],
        next: 4,
      });
    });

    it("gives no reader a page with a gap, however it runs between their pages", async () => {
      const one = await createClient(system);
      const written = new AbortController();
      const write = async (writer: number) => {
        for (let round = 0; round < 40; round++) {
          const documents = [`shared_${round % 3}`, `own_${writer}`, `once_${writer}_${round}`];
          const run = documents.map((documentId) => put(documentId, { writer, round }));
          const { status } = await one.post({ device_id: `dev_${writer}`, operations: run });
          expect(status).toBe(200);
        }
      };
      let cleanings = 0;
      const clean = async () => {
        let from = 0;
        while (!written.signal.aborted) {
          await ageChanges(system, one, 300);
          await apply();
          const now = (await feedFrom(one)) ?? 0;
          if (now > from) cleanings += 1;
          from = now;
        }
      };
      let restarts = 0;
      let pages = 0;
      const read = async (limit: number) => {
        const seqByDocument = new Map<string, ChangeBody["seq"]>();
        const dataByDocument = new Map<string, unknown>();
        let since = 0;
        for (;;) {
          const isWritten = written.signal.aborted;
          const { status, body } = await one.get<ChangesBody>(`/changes?since=${since}&limit=${limit}`);
          if (status === 410) {
            restarts += 1;
            const snapshot = await readSnapshot(system, one);
            since = snapshot.seq;
            for (const document of snapshot.documents) {
              seqByDocument.set(document.document_id, document.seq);
              dataByDocument.set(document.document_id, document.data);
            }
            continue;
          }
          expect(status).toBe(200);
          pages += 1;
          expect(body.changes.map(({ seq }) => seq)).toEqual(body.changes.map((_, n) => since + 1 + n));
          for (const { document_id, seq, data } of body.changes) {
            if (seq <= (seqByDocument.get(document_id) ?? 0)) continue;
            seqByDocument.set(document_id, seq);
            dataByDocument.set(document_id, data);
          }
          since = body.next;
          if (isWritten && !body.more) return dataByDocument;
        }
      };
      const writers = Promise.all([1, 2, 3, 4].map(write)).finally(() => {
        written.abort();
      });
      const [, , ...copies] = await Promise.all([writers, clean(), read(1), read(3), read(20), read(1_000)]);
      const { documents } = await readSnapshot(system, one);
      const truth = new Map(documents.map(({ document_id, data }) => [document_id, data]));
      for (const copy of copies) expect(copy).toEqual(truth);
      expect(cleanings).toBeGreaterThan(3);
      expect(restarts).toBeGreaterThan(0);
      expect(pages).toBeGreaterThan(50);
    });
  });

  describe("of the ledger", () => {
    const ledgerOf = async ({ workspaceId }: Client) =>
      (
        await system.pool.query<{ client_id: string }>(
          "SELECT client_id FROM operations WHERE workspace_id = $1 ORDER BY client_id",
          [workspaceId],
        )
      ).rows.map((row) => row.client_id);
    const ageLedger = (one: Client, days: number, clientIds: string[]) =>
      system.pool.query(
        `UPDATE operations SET accepted_at = accepted_at - $2 * interval '1 day', settled_at = settled_at - $2 * interval '1 day'
         WHERE workspace_id = $1 AND client_id = ANY ($3)`,
        [one.workspaceId, days, clientIds],
      );

    it("drops operations completed long ago, and no younger ones", async () => {
      const one = await createClient(system);
      for (const id of ["a", "b", "c"]) await send(one, "dev_1", put("doc", { n: id }, { client_id: id }));
      await ageLedger(one, 182, ["a"]);
      // Within the extra day that an operation accepted in time may spend on its lane.
      await ageLedger(one, 180.5, ["b"]);
      await apply();
      expect(await ledgerOf(one)).toEqual(["b", "c"]);
    });

    it("never drops pending operations, or those of an unsettled conflict", async () => {
      const one = await createClient(system);
      const manual = { on_conflict: "manual" };
      await send(one, "dev_1", put("doc", { n: 1 }, { client_id: "a" }));
      await send(one, "dev_1", put("doc", { n: 2 }, { client_id: "b" }));
      const parked = await send(
        one,
        "dev_2",
        put("doc", { n: 3 }, { client_id: "parked", expected_version: 1 }),
        manual,
      );
      const behind = await send(one, "dev_2", put("doc", { n: 4 }, { client_id: "behind" }));
      expect([parked.error_type, behind.error_type]).toEqual(["parked", "behind_conflict"]);
      await ageLedger(one, 400, ["a", "b", "parked", "behind"]);
      await system.pool.query(
        "UPDATE operations SET status = 'pending' WHERE workspace_id = $1 AND client_id = 'b'",
        [one.workspaceId],
      );
      await apply();
      expect(await ledgerOf(one)).toEqual(["b", "behind", "parked"]);
      await system.pool.query("UPDATE conflicts SET status = 'resolved' WHERE conflict_id = $1", [
        parked.conflict_data?.conflict_id,
      ]);
      await apply();
      expect(await ledgerOf(one)).toEqual(["b"]);
    });

    it("skips a row that another transaction is writing", async () => {
      const one = await createClient(system);
      for (const id of ["a", "b"]) await send(one, "dev_1", put("doc", { n: id }, { client_id: id }));
      await ageLedger(one, 400, ["a", "b"]);
      const writer = await system.pool.connect();
      try {
        await writer.query("BEGIN");
        await writer.query(
          "UPDATE operations SET settled_at = now() WHERE workspace_id = $1 AND client_id = 'a'",
          [one.workspaceId],
        );
        await apply();
        await writer.query("COMMIT");
      } finally {
        writer.release();
      }
      await apply();
      expect(await ledgerOf(one)).toEqual(["a"]);
    });

    it("forgets: the same id applies again, unless its own time is too old", async () => {
      const one = await createClient(system);
      const aged = madeAt(Date.now() - 400 * DAY_MS);
      const ahead = madeAt(Date.now() + 30 * DAY_MS);
      const ids = ["plain", aged, ahead];
      for (const id of ["plain", ahead]) await send(one, "dev_1", put(id, { n: 1 }, { client_id: id }));
      // First sent by a device that was away for longer than the ledger's retention.
      await system.pool.query(
        `INSERT INTO operations SELECT (jsonb_populate_record(o, jsonb_build_object('client_id', $2::text))).*
         FROM operations o WHERE workspace_id = $1 AND client_id = 'plain'`,
        [one.workspaceId, aged],
      );
      await ageLedger(one, 400, ids);
      await apply();
      // A clock that is ahead: until its time has passed, the id shows no age.
      expect(await ledgerOf(one)).toEqual([ahead]);
      expect(await send(one, "dev_1", put("plain", { n: 1 }, { client_id: "plain" }))).toMatchObject({
        status: "success",
        version: 2,
      });
      expect(await send(one, "dev_1", put(ahead, { n: 1 }, { client_id: ahead }))).toMatchObject({
        replayed: true,
        version: 1,
      });
    });

    it("remembers the latest dropped time, even if the retention is made longer", async () => {
      const one = await createClient(system);
      const [dropped, older, younger] = [400, 401, 399].map((days) => madeAt(Date.now() - days * DAY_MS));
      const resend = (id = "") => send(one, "dev_1", put("doc", { n: 1 }, { client_id: id }));
      // The services keep everything, so no id is too old for them.
      expect(await resend(dropped)).toMatchObject({ status: "success", version: 1 });
      await ageLedger(one, 400, [dropped ?? ""]);
      await apply();
      expect(await ledgerOf(one)).toEqual([]);
      const expired = { status: "error", error_type: "client_id_expired" };
      expect([await resend(dropped), await resend(older)]).toMatchObject([expired, expired]);
      expect(await resend(younger)).toMatchObject({ status: "success", version: 2 });
    });
  });

  it("drops batches by their age, and their operations stay known", async () => {
    const [old, young] = [
      await send(client, "dev_b", put("batched", { n: 1 }, { client_id: "old-batch" })),
      await send(client, "dev_b", put("batched", { n: 2 })),
    ];
    await system.pool.query(
      "UPDATE batches SET drained_at = now() - interval '31 days' WHERE batch_id = $1",
      [old.batchId],
    );
    await apply();
    expect((await client.getAbsolute(`/api/v1/batches/${young.batchId}`)).status).toBe(200);
    expect((await client.getAbsolute(`/api/v1/batches/${old.batchId}`)).status).toBe(404);
    const again = await send(client, "dev_b", put("batched", { n: 1 }, { client_id: "old-batch" }));
    expect(again).toMatchObject({ status: "success", version: 1, replayed: true });
  });

  it("drops resolved conflicts with their content, never open or parked ones", async () => {
    const one = await createClient(system);
    await send(one, "dev_1", put("doc", { n: 1 }));
    await send(one, "dev_1", put("doc", { n: 2 }));
    const idByName = new Map<string, string>();
    for (const name of ["resolved", "reported", "open", "parked", "young"]) {
      const late = put("doc", { n: name }, { expected_version: 1 });
      const result = await send(one, `dev_${name}`, late, { on_conflict: "report" });
      idByName.set(name, result.conflict_data?.conflict_id ?? "");
    }
    for (const [name, id] of idByName) {
      await system.pool.query(
        `UPDATE conflicts SET status = $2, updated_at = CASE WHEN $3 THEN updated_at ELSE now() - interval '181 days' END
         WHERE conflict_id = $1`,
        [id, name === "young" ? "resolved" : name, name === "young"],
      );
    }
    await apply();
    const left = async (table: string) => {
      const { rows } = await system.pool.query<{ conflict_id: string }>(
        `SELECT DISTINCT conflict_id FROM ${table} WHERE workspace_id = $1`,
        [one.workspaceId],
      );
      return [...idByName].flatMap(([name, id]) =>
        rows.some((row) => row.conflict_id === id) ? [name] : [],
      );
    };
    // The open one may have been merged by now; its record stays all the same.
    expect(await left("conflicts")).toEqual(["open", "parked", "young"]);
    expect(await left("held_operations")).toEqual(["open", "parked", "young"]);
  });

  it("keeps everything if configured so, and devices always", async () => {
    const one = await createClient(system);
    for (let n = 1; n <= 2; n++) await send(one, "dev_1", put("doc", { n }));
    const tables = ["changes", "operations", "batches", "documents", "devices"];
    for (const [table, time] of [
      ["changes", "committed_at"],
      ["operations", "settled_at"],
      ["batches", "drained_at"],
      ["documents", "updated_at"],
      ["devices", "created_at"],
    ]) {
      await system.pool.query(
        `UPDATE ${table} SET ${time} = now() - interval '3000 days' WHERE workspace_id = $1`,
        [one.workspaceId],
      );
    }
    const rowsOf = () =>
      Promise.all(tables.map((table) => count(system, table, "workspace_id = $1", [one.workspaceId])));
    const store = createPgRetention(system.pool);
    const forEver = { ledgerDays: 0, historyDays: 0, conflictsDays: 0, batchesDays: 0 };
    await createApplyRetention({ store, isRunning: () => true, log }, forEver)();
    expect(await rowsOf()).toEqual([2, 2, 2, 1, 1]);
    await apply();
    expect(await rowsOf()).toEqual([1, 0, 0, 1, 1]);
  });

  it("stops when the process stops, after a page", async () => {
    await insertOldOperations(system, 2_500);
    const oldOnes = () => count(system, "operations", "workspace_id = 'bulk'", []);
    const store = createPgRetention(system.pool);
    const ledgerOnly = { ledgerDays: 180, historyDays: 0, conflictsDays: 0, batchesDays: 0 };
    let pages = 0;
    await createApplyRetention({ store, isRunning: () => pages++ < 1, log }, ledgerOnly)();
    expect(await oldOnes()).toBe(1_500);
    await createApplyRetention({ store, isRunning: () => true, log }, ledgerOnly)();
    expect(await oldOnes()).toBe(0);
  });
});

describe("the job that applies it", () => {
  let system: System;
  let client: Client;
  beforeAll(async () => {
    system = await startSystem({
      workers: 2,
      env: { RETENTION_INTERVAL_MS: "300", SWEEP_INTERVAL_MS: "100" },
    });
    client = await createClient(system);
  });
  afterAll(() => system.stop());

  const schedulers = () => system.redis.zcard("{syncline}:queue:retention:repeat");
  const leftInBulk = () => count(system, "operations", "workspace_id = 'bulk'", []);

  it("runs by itself, scheduled once for any number of workers", async () => {
    for (let n = 1; n <= 3; n++) await send(client, "dev_1", put("doc", { n }));
    await ageChanges(system, client, 300);
    await eventually(async () => expect(await changesOf(system, client, "doc")).toEqual([3]));
    expect(await schedulers()).toBe(1);
  });

  it("matches the refusal by age: operations dropped from the ledger are never applied again", async () => {
    const one = await createClient(system);
    const [young, old] = [madeAt(Date.now() - 179 * DAY_MS), madeAt(Date.now() - 181 * DAY_MS)];
    expect(await send(one, "dev_1", put("doc", { n: 1 }, { client_id: old }))).toMatchObject({
      status: "error",
      error_type: "client_id_expired",
    });
    expect(await send(one, "dev_1", put("doc", { n: 1 }, { client_id: young }))).toMatchObject({
      version: 1,
    });
    await send(one, "dev_1", put("doc", { n: 2 }, { client_id: "plain" }));
    await system.pool.query(
      "UPDATE operations SET settled_at = settled_at - interval '400 days' WHERE workspace_id = $1",
      [one.workspaceId],
    );
    const plain = () =>
      count(system, "operations", "workspace_id = $1 AND client_id = 'plain'", [one.workspaceId]);
    await eventually(async () => expect(await plain()).toBe(0));
    // Not old enough to be refused, so it is still there.
    expect(await send(one, "dev_1", put("doc", { n: 1 }, { client_id: young }))).toMatchObject({
      version: 1,
      replayed: true,
    });
  });

  it("is scheduled again after Redis has lost its data", async () => {
    await system.redis.flushdb();
    await insertOldOperations(system, 10);
    await eventually(async () => expect(await leftInBulk()).toBe(0));
    expect(await schedulers()).toBe(1);
  });

  it("logs a failure, and tries again", async () => {
    await system.pool.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
      CREATE TRIGGER refuse BEFORE DELETE ON operations EXECUTE FUNCTION refuse()`);
    await insertOldOperations(system, 10);
    await eventually(async () => {
      expect(system.syncline.logs()).toContain("retention could not be applied and will be tried again");
    });
    expect(await leftInBulk()).toBe(10);
    await system.pool.query("DROP TRIGGER refuse ON operations");
    await eventually(async () => expect(await leftInBulk()).toBe(0));
  });

  it("is finished by another worker when its own is killed in the middle", async () => {
    const one = await createClient(system);
    for (let batch = 0; batch < 5; batch++) {
      const run = Array.from({ length: 100 }, (_, n) => put(`doc_${n}`, { batch }));
      expect((await one.post({ device_id: "dev_1", operations: run })).status).toBe(200);
    }
    // The third page waits until its worker is killed.
    await system.pool.query(`
      CREATE SEQUENCE pages;
      GRANT USAGE ON SEQUENCE pages TO PUBLIC;
      CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('pages') = 3 THEN PERFORM pg_sleep(3600); END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER linger AFTER DELETE ON changes FOR EACH STATEMENT EXECUTE FUNCTION linger()`);
    await ageChanges(system, one, 300);
    const changes = () => count(system, "changes", "workspace_id = $1", [one.workspaceId]);
    await eventually(async () => {
      const waiting = await system.pool.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
      );
      expect(waiting.rowCount).toBe(1);
    });
    const [first, second] = system.syncline.workers;
    await Promise.all([first?.kill("SIGKILL"), second?.kill("SIGKILL")]);
    expect(await changes()).toBeGreaterThan(100);
    expect(await changes()).toBeLessThan(500);
    await system.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    await second?.start();
    await eventually(async () => expect(await changes()).toBe(100));
    const feed = await one.get<ChangesBody>("/changes?since=400&limit=1000");
    expect(feed.body.changes.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => 401 + n));
    expect((await one.get("/changes?since=399")).status).toBe(410);
    const { documents } = await readSnapshot(system, one);
    expect(documents.map(({ version, data }) => [version, data])).toEqual(
      Array.from({ length: 100 }, () => [5, { batch: 4 }]),
    );
  });
});

describe("its configuration", () => {
  const given = (env: Record<string, string>) =>
    readEnv(envSchema, { DATABASE_URL: "postgres://h/d", REDIS_URL: "redis://h", ...env });

  it("takes days, 0 to keep everything", () => {
    expect(given({})).toMatchObject({
      RETENTION_LEDGER_DAYS: 180,
      RETENTION_HISTORY_DAYS: 180,
      RETENTION_CONFLICTS_DAYS: 180,
      RETENTION_BATCHES_DAYS: 30,
    });
    expect(given(KEEP_ALL)).toMatchObject({ RETENTION_LEDGER_DAYS: 0, RETENTION_BATCHES_DAYS: 0 });
    expect(given({ RETENTION_LEDGER_DAYS: "0", RETENTION_CONFLICTS_DAYS: "0" }).RETENTION_BATCHES_DAYS).toBe(
      30,
    );
  });

  it.each([
    [{ RETENTION_LEDGER_DAYS: "-1" }, "RETENTION_LEDGER_DAYS is not usable"],
    [{ RETENTION_HISTORY_DAYS: "1.5" }, "RETENTION_HISTORY_DAYS is not usable"],
    [{ RETENTION_CONFLICTS_DAYS: "soon" }, "RETENTION_CONFLICTS_DAYS is not usable"],
    [
      { RETENTION_LEDGER_DAYS: "7" },
      "RETENTION_LEDGER_DAYS is not usable: RETENTION_BATCHES_DAYS must not be longer than RETENTION_LEDGER_DAYS",
    ],
    [
      { RETENTION_BATCHES_DAYS: "0" },
      "RETENTION_BATCHES_DAYS is not usable: RETENTION_BATCHES_DAYS must not be longer than RETENTION_LEDGER_DAYS",
    ],
    [
      { RETENTION_CONFLICTS_DAYS: "30" },
      "RETENTION_CONFLICTS_DAYS is not usable: RETENTION_CONFLICTS_DAYS must not be shorter than RETENTION_HISTORY_DAYS",
    ],
    [
      { RETENTION_HISTORY_DAYS: "0" },
      "RETENTION_HISTORY_DAYS is not usable: RETENTION_CONFLICTS_DAYS must not be shorter than RETENTION_HISTORY_DAYS",
    ],
  ])("refuses to start with %j", (env, sentence) => {
    expect(() => given(env)).toThrow(sentence);
  });
});

async function readSnapshot(
  system: System,
  { workspaceId }: Client,
): Promise<{ seq: number; documents: DocumentBody[] }> {
  const token = await system.syncline.token({ [workspaceId]: "reader" });
  const response = await fetch(
    `${system.syncline.ingestUrl}/api/v1/workspaces/${workspaceId}/snapshot?limit=10000`,
    { headers: { authorization: `Bearer ${token}` } },
  );
  const lines = (await response.text()).trimEnd().split("\n");
  const [head, ...rest] = lines.map((line) => JSON.parse(line) as unknown);
  expect(rest.pop()).toMatchObject({ next: null });
  return { seq: (head as { seq: number }).seq, documents: rest as DocumentBody[] };
}

/** Inserts rows of operations completed long ago. */
async function insertOldOperations(system: System, rows: number): Promise<void> {
  await system.pool.query(
    `INSERT INTO operations (workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id,
       status, merged, subject, request_id, accepted_at, settled_at)
     SELECT 'bulk', 'dev', 'c' || n, gen_random_uuid(), 'f', 'put', 'documents', 'd', 'success', false, 's', 'r',
       now() - interval '400 days', now() - interval '400 days' + n / 100 * interval '1 second'
     FROM generate_series(1, $1) n`,
    [rows],
  );
}
