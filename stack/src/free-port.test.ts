import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import { findFreePorts, keepOrFindPort, readPort, requireFreePort } from "./free-port.ts";

async function takePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test.each(["127.0.0.1", "0.0.0.0"])(
  "a port taken on %s is named, with its owner and its variable",
  async (host) => {
    const port = await takePort(host);
    await expect(requireFreePort(port, "ingest", "INGEST_PORT")).rejects.toThrow(
      `Port ${port}, on which ingest would listen, is taken by another program. ` +
        "Stop that program, or set INGEST_PORT to a free port.",
    );
  },
);

test("free ports are free and all different", async () => {
  const ports = await findFreePorts(20);
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) await requireFreePort(port, "ingest", "INGEST_PORT");
});

test("a found port is not given to another process that searches at the same time", async () => {
  const script = `import { findFreePorts } from ${JSON.stringify(join(import.meta.dirname, "free-port.ts"))};
    console.log((await findFreePorts(200)).join())`;
  const run = promisify(execFile);
  const found = await Promise.all(
    [1, 2, 3].map(() =>
      run(process.execPath, ["--conditions=@syncline/source", "--input-type=module", "--eval", script]),
    ),
  );
  const ports = found.flatMap(({ stdout }) => stdout.trim().split(","));
  expect(new Set(ports).size).toBe(600);
});

test("ports are found without a usable temporary folder, too", async () => {
  vi.stubEnv("TMPDIR", import.meta.filename);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await findFreePorts(2)).toHaveLength(2);
});

test("a remembered port is kept while it is free, and replaced when it is taken", async () => {
  const [free] = await findFreePorts(1);
  expect(await keepOrFindPort(free)).toBe(free);
  const taken = await takePort("127.0.0.1");
  expect(await keepOrFindPort(taken)).not.toBe(taken);
});

test("a port is read from the environment, and an invalid value is rejected with the variable's name", () => {
  expect(readPort({}, "INGEST_PORT", 3000)).toBe(3000);
  expect(readPort({ INGEST_PORT: "8080" }, "INGEST_PORT", 3000)).toBe(8080);
  for (const wrong of ["0", "65536", "80x", "-1", "1e3", "3000.5"]) {
    expect(() => readPort({ INGEST_PORT: wrong }, "INGEST_PORT", 3000)).toThrow(/INGEST_PORT must be a port/);
  }
});
