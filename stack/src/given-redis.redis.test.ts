import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findFreePorts } from "./free-port.ts";
import { requireRedis } from "./given-redis.ts";
import { describeRedis, makeFolder, REDIS_CONFIG } from "./local-redis.ts";
import { ManagedProcess } from "./managed-process.ts";
import { findRedisServer } from "./redis-binary.ts";

/** Starts a Redis with the test's own configuration. */
async function startRedis(config: Readonly<Record<string, string>>): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), "syncline-redis-"));
  const [port] = await findFreePorts(1);
  const url = `redis://:right-password@127.0.0.1:${port}/0`;
  const own = {
    ...REDIS_CONFIG,
    databases: "16",
    bind: "127.0.0.1",
    port: String(port),
    requirepass: "right-password",
  };
  const spec = describeRedis({
    name: "redis",
    server: await findRedisServer(() => undefined),
    folder: makeFolder(home, "redis"),
    config: { ...own, ...config },
    url,
  });
  const managed = new ManagedProcess(home, spec);
  onTestFinished(async () => {
    await managed.stop();
    rmSync(home, { recursive: true });
  });
  await managed.start();
  return url;
}

test(
  "each fault of a URL is explained in one sentence, without the password",
  { timeout: 600_000 },
  async () => {
    const url = await startRedis({});
    expect(await requireRedis(url)).toBeUndefined();
    const [port] = await findFreePorts(1);
    const faults: [string, RegExp][] = [
      [url.replace("right-password", "wrong-password"), /rejects the user or password of REDIS_URL/],
      [url.replace(":right-password@", ""), /demands a password, and REDIS_URL has none/],
      [url.replace(/0$/, "99"), /has no database with the number at the end of REDIS_URL/],
      [url.replace("redis:", "rediss:"), /does not answer with TLS, which rediss/],
      [url.replace("127.0.0.1", "nowhere.invalid"), /The host nowhere\.invalid of REDIS_URL/],
      [`redis://127.0.0.1:${port}`, new RegExp(`No Redis answers at 127\\.0\\.0\\.1:${port}: start it`)],
    ];
    for (const [address, sentence] of faults) {
      const failure: unknown = await requireRedis(address).catch((error: unknown) => error);
      expect([address, failure]).toEqual([
        address,
        expect.objectContaining({ name: "StackError", message: expect.stringMatching(sentence) as string }),
      ]);
      expect((failure as Error).message).not.toMatch(/\n|(right|wrong)-password/);
    }
  },
);

test("a Redis that may lose data is used, with a warning that names the required settings", async () => {
  const url = await startRedis({ appendonly: "no", "maxmemory-policy": "allkeys-lru" });
  expect(await requireRedis(url)).toMatch(
    /may lose accepted writes.*appendonly is no, not yes; maxmemory-policy is allkeys-lru, not noeviction.*--appendonly yes/,
  );
});

test("a server that is no Redis is explained", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(requireRedis(`redis://127.0.0.1:${port}`)).rejects.toThrow(
    `The server at 127.0.0.1:${port} cannot be used as Redis`,
  );
});
