import { migrate } from "@syncline/store";
import { startLocalStores, startSyncline, testedPrograms, type LocalStores } from "@syncline/stack";
import { Redis } from "ioredis";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import pg from "pg";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

describe("stores that accept TLS only", () => {
  let stores: LocalStores;
  let folder: string;
  let caFile: string;
  beforeAll(async () => {
    const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }], {
      algorithm: "sha256",
      extensions: [
        { name: "basicConstraints", cA: true },
        { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
      ],
    });
    folder = mkdtempSync(join(tmpdir(), "syncline-tls-"));
    caFile = join(folder, "ca.crt");
    writeFileSync(caFile, cert);
    // For this process; the services use NODE_EXTRA_CA_CERTS.
    setDefaultCACertificates([...getCACertificates(), cert]);
    stores = await startLocalStores({ certificate: { cert, key } });
    await migrate({ databaseUrl: stores.databaseServerUrl });
  });
  afterAll(async () => {
    await stores.stop();
    rmSync(folder, { recursive: true });
  });
  const start = (databaseUrl: string, redisUrl: string, env: Record<string, string>) =>
    startSyncline({ databaseUrl, redisUrl, env, home: stores.home, programs: testedPrograms() });

  it("are used with TLS, with their certificates checked: a batch is processed", async () => {
    const { databaseServerUrl, redisUrl } = stores;
    expect([databaseServerUrl, redisUrl]).toEqual([
      expect.stringContaining("sslmode=verify-full"),
      expect.stringMatching(/^rediss:/),
    ]);
    const syncline = await start(databaseServerUrl, redisUrl, { NODE_EXTRA_CA_CERTS: caFile });
    try {
      const response = await fetch(`${syncline.ingestUrl}/api/v1/documents/batch`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${await syncline.token({ w: "writer" })}`,
          "content-type": "application/json",
        },
        body: JSON.stringify({
          workspace_id: "w",
          operations: [{ operation: "create", client_id: "c", document_id: "d", data: {} }],
        }),
      });
      expect([response.status, await response.json()]).toMatchObject([200, { status: "completed" }]);

      const client = new pg.Client({ connectionString: databaseServerUrl });
      await client.connect();
      const { rows } = await client.query(
        `SELECT usename, bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE usename LIKE 'syncline\\_%' GROUP BY usename ORDER BY usename`,
      );
      await client.end();
      expect(rows).toEqual(
        ["syncline_conflict", "syncline_ingest", "syncline_worker"].map((usename) => ({
          usename,
          ssl: true,
        })),
      );
    } finally {
      await syncline.stop();
    }
  });

  it("are not used if their certificate is unknown: a service does not start", async () => {
    const { databaseServerUrl, redisUrl } = stores;
    await expect(start(databaseServerUrl, redisUrl, { NODE_EXTRA_CA_CERTS: "" })).rejects.toThrow(
      "certificate",
    );
  });

  it("accept no connection without TLS, or with another name or password", async () => {
    const { databaseServerUrl, redisUrl } = stores;
    const connectTo = async (change: (url: URL) => void) => {
      const url = new URL(databaseServerUrl);
      change(url);
      const client = new pg.Client({ connectionString: url.href });
      client.on("error", () => undefined);
      try {
        await client.connect();
      } finally {
        await client.end();
      }
    };
    await expect(connectTo((url) => (url.search = "?sslmode=disable"))).rejects.toThrow("no encryption");
    await expect(connectTo((url) => (url.hostname = "127.0.0.1"))).rejects.toThrow("altnames");
    await expect(connectTo((url) => (url.password = "wrong"))).rejects.toMatchObject({ code: "28P01" });

    const ask = async (change: (url: URL) => void) => {
      const url = new URL(redisUrl);
      change(url);
      const redis = new Redis(url.href, {
        lazyConnect: true,
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
      });
      redis.on("error", () => undefined);
      try {
        await redis.connect();
        return await redis.ping();
      } finally {
        redis.disconnect();
      }
    };
    expect(await ask(() => undefined)).toBe("PONG");
    await expect(ask((url) => (url.protocol = "redis:"))).rejects.toThrow();
    await expect(ask((url) => (url.hostname = "127.0.0.1"))).rejects.toThrow();
    await expect(ask((url) => (url.password = "wrong"))).rejects.toThrow();
  });
});
