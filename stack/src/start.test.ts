import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openHome } from "./home.ts";
import { prepareLocalPostgres } from "./local-postgres.ts";
import { REPOSITORY } from "./repository.ts";
import { explainFailure } from "./stack-error.ts";

/** Each start loads all of npm start; its duration depends on the machine. */
const TIMEOUT = { timeout: 600_000 };

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "syncline-start-"));
  chmodSync(folder, 0o755); // Postgres may run as another user and needs access to this folder
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Runs `npm start` with a faulty environment until it exits, and returns its message. */
async function failToStart(env: NodeJS.ProcessEnv): Promise<string> {
  const flags = ["--conditions=@syncline/source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, "stack/src/start.ts"], {
    cwd: REPOSITORY,
    env: { ...process.env, INGEST_PORT: "", CONFLICT_PORT: "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(1);
  return said.trim();
}

test(
  "a start that cannot succeed gives the problem, its location and a remedy in one sentence",
  TIMEOUT,
  async () => {
    const folder = makeFolder();
    const file = join(folder, "file");
    writeFileSync(file, "export default { collections: { notes: { strategy: 'hope' } } }");
    mkdirSync(join(folder, "damaged"));
    writeFileSync(join(folder, "damaged", "settings.json"), '{"workspaceId":"w"');
    const busy = createServer().listen(0, "127.0.0.1");
    await once(busy, "listening");
    onTestFinished(() => void busy.close());
    const port = String((busy.address() as AddressInfo).port);
    const home = join(folder, "home");

    const cases: [NodeJS.ProcessEnv, RegExp][] = [
      [
        { SYNCLINE_HOME: file },
        /file could not be used \(EEXIST on mkdir\): a file stands in place of a folder/,
      ],
      [{ SYNCLINE_HOME: join(file, "below") }, /a file stands in place of a folder/],
      [{ SYNCLINE_HOME: join(folder, "damaged") }, /settings\.json is damaged.*restore the file/],
      [
        { SYNCLINE_HOME: home, POLICIES: join(folder, "none.mjs") },
        /POLICIES names .*none\.mjs, which does not exist/,
      ],
      [{ SYNCLINE_HOME: home, POLICIES: file }, /POLICIES names .*file, which cannot be used/],
      [
        { SYNCLINE_HOME: home, INGEST_PORT: port },
        new RegExp(`Port ${port}, on which ingest would listen, is taken`),
      ],
      [{ SYNCLINE_HOME: home, INGEST_PORT: "http" }, /INGEST_PORT must be a port/],
      [
        { SYNCLINE_HOME: home, DATABASE_URL: "mysql://me:secret@db" },
        /DATABASE_URL must be a URL that starts with postgres:/,
      ],
    ];
    const said = await Promise.all(cases.map(([env]) => failToStart(env)));
    for (const [index, [env, sentence]] of cases.entries()) {
      expect([env, said[index]]).toEqual([env, expect.stringMatching(sentence)]);
      expect(said[index]).not.toMatch(/\n|secret/);
    }
  },
);

test("a file system error is explained with the path and a remedy", () => {
  const failure = (act: () => void): unknown => {
    try {
      act();
    } catch (error) {
      return error;
    }
    throw new Error("it did not fail");
  };
  const full = failure(() => writeFileSync("/dev/full", "x"));
  expect(explainFailure(full)).toMatch(/ENOSPC on write\): the disk is full: free some space/);
  const readOnly = Object.assign(new Error(), { code: "EROFS", syscall: "mkdir", path: "/ro/home" });
  expect(explainFailure(readOnly)).toBe(
    "/ro/home could not be used (EROFS on mkdir): the file system is read-only: set SYNCLINE_HOME to a writable folder.",
  );
  expect(explainFailure(new TypeError("a bug"))).toBeUndefined();
});

test("data of another major version of Postgres is reported and left unchanged", TIMEOUT, async () => {
  const home = makeFolder();
  mkdirSync(join(home, "postgres"), { mode: 0o755 });
  writeFileSync(join(home, "postgres", "PG_VERSION"), "99\n");
  const prepared = prepareLocalPostgres({ home, settings: openHome(home), say: () => undefined });
  await expect(prepared).rejects.toThrow(
    /belongs to Postgres 99, but the programs here are Postgres 18: move/,
  );
});
