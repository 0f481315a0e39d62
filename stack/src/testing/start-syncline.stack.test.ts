import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { testedPrograms } from "./bundle-services.ts";
import { startSyncline } from "./start-syncline.ts";
import { createTestDatabase } from "./test-database.ts";
import { createTestRedisUrl } from "./test-redis.ts";

test("the services start, accept a document with their token, and can be restarted after a kill", async () => {
  const [{ databaseUrl, drop }, redisUrl] = await Promise.all([createTestDatabase(), createTestRedisUrl()]);
  const syncline = await startSyncline({ databaseUrl, redisUrl, workers: 2 });
  onTestFinished(async () => {
    await syncline.stop();
    await drop();
  });
  const workspaceId = randomUUID();
  const token = await syncline.token({ [workspaceId]: "writer" });
  const create = async (documentId: string) => {
    const operation = {
      operation: "create",
      client_id: documentId,
      document_id: documentId,
      data: { title: "Hello" },
    };
    const response = await fetch(`${syncline.ingestUrl}/api/v1/documents/batch`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ workspace_id: workspaceId, device_id: "dev_1", operations: [operation] }),
    });
    return response.status;
  };
  expect(await create("before")).toBe(200);

  await Promise.all(syncline.workers.map((worker) => worker.kill()));
  expect(syncline.workers.map((worker) => worker.pid)).toEqual([undefined, undefined]);
  await Promise.all(syncline.workers.map((worker) => worker.restart()));
  expect(await create("after")).toBe(200);
});

test("several processes of each service start, and a dead one is restarted with keepAlive", async () => {
  const [{ databaseUrl, drop }, redisUrl] = await Promise.all([createTestDatabase(), createTestRedisUrl()]);
  const syncline = await startSyncline({
    databaseUrl,
    redisUrl,
    ingests: 2,
    conflicts: 2,
    keepAlive: true,
    programs: testedPrograms(),
  });
  onTestFinished(async () => {
    await syncline.stop();
    await drop();
  });
  expect(syncline.ingests.map(({ name }) => name)).toEqual(["ingest-1", "ingest-2"]);
  expect(syncline.conflicts.map(({ name }) => name)).toEqual(["conflict-1", "conflict-2"]);
  expect(new Set(syncline.ingestUrls).size).toBe(2);

  const [, victim] = syncline.ingests;
  const pid = victim?.pid;
  await victim?.kill();
  await expect
    .poll(async () => {
      const response = await fetch(`${syncline.ingestUrls[1]}/readyz`).catch(() => undefined);
      return response?.status;
    })
    .toBe(200);
  expect(victim?.pid).not.toBe(pid);
  await syncline.stop();
  expect([...syncline.ingests, ...syncline.conflicts, ...syncline.workers].map((each) => each.pid)).toEqual(
    Array.from({ length: 5 }, () => undefined),
  );
});
