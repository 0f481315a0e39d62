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

/** Each start loads all of npm start; how long that takes is the machine's affair. */
const TIMEOUT = { timeout: 600_000 };

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "syncline-start-"));
  chmodSync(folder, 0o755); // Postgres may run as another user, and comes through here
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Runs `npm start` with something wrong in its environment, until it has given up. */
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
  "a start that cannot succeed says in one sentence what is wrong, where, and what to do",
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
      [{ SYNCLINE_HOME: home, DATABASE_URL: "mysql://me:secret@db" }, /DATABASE_URL is not an address/],
    ];
    const said = await Promise.all(cases.map(([env]) => failToStart(env)));
    for (const [index, [env, sentence]] of cases.entries()) {
      expect([env, said[index]]).toEqual([env, expect.stringMatching(sentence)]);
      expect(said[index]).not.toMatch(/\n|secret/);
    }
  },
);

test("what a file system refuses is told with the path and the way out", () => {
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
    "/ro/home could not be used (EROFS on mkdir): the file system is read-only: set SYNCLINE_HOME to a folder that can be written.",
  );
  expect(explainFailure(new TypeError("a bug"))).toBeUndefined();
});

test("data of another major version of Postgres is told, and left alone", TIMEOUT, async () => {
  const home = makeFolder();
  mkdirSync(join(home, "postgres"), { mode: 0o755 });
  writeFileSync(join(home, "postgres", "PG_VERSION"), "99\n");
  const prepared = prepareLocalPostgres({ home, settings: openHome(home), say: () => undefined });
  await expect(prepared).rejects.toThrow(
    /is that of Postgres 99, and the programs here are Postgres 18: move/,
  );
});
