import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { PATIENCE_MS } from "../support/patience.ts";
import { borrowSystem, createClient, type System } from "../support/system.ts";

const MAIN = fileURLToPath(new URL("../../examples/first-client/src/main.ts", import.meta.url));

let system: System;
let folder: string;
let devFile: string;
beforeAll(async () => {
  system = await borrowSystem();
  folder = await mkdtemp(join(tmpdir(), "first-client-"));
  devFile = join(folder, "dev.json");
  const { workspaceId } = await createClient(system);
  const token = await system.syncline.token({ [workspaceId]: "writer" });
  await writeFile(devFile, JSON.stringify({ ingestUrl: system.syncline.ingestUrl, token, workspaceId }));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await system.stop();
});

it("syncs a to-do list between two processes", async () => {
  const [ann, ben] = [startApp(), startApp()];
  ann.type("add Milk");
  await ben.shows("1. [ ] Milk");
  ben.type("done 1");
  await ann.shows("1. [x] Milk");
  ann.type("add Bread");
  await ben.shows("1. [ ] Bread\n2. [x] Milk");
  ben.type("remove 2");
  await ann.shows("-- 0 to send\n1. [ ] Bread\n$");
  expect(await Promise.all([ann.end(), ben.end()])).toEqual([0, 0]);
});

/** Starts the example. `shows` waits until its newest output matches; `$` stands for the end of the output. */
function startApp() {
  const app: ChildProcessWithoutNullStreams = spawn(
    process.execPath,
    ["--conditions=@syncline/source", "--disable-warning=ExperimentalWarning", MAIN],
    { env: { ...process.env, DEV_FILE: devFile } },
  );
  let output = "";
  app.stdout.on("data", (text: Buffer) => (output += text.toString()));
  app.stderr.on("data", (text: Buffer) => (output += text.toString()));
  return {
    type: (line: string) => app.stdin.write(`${line}\n`),
    shows: (wanted: string) =>
      vi.waitFor(
        () => {
          const text = wanted.endsWith("$") ? `${output}$` : output;
          expect(text).toContain(wanted);
        },
        { timeout: PATIENCE_MS, interval: 50 },
      ),
    end: async () => {
      app.stdin.end();
      const [code] = (await once(app, "exit")) as [number | null];
      return code;
    },
  };
}
