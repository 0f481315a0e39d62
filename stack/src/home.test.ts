import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { devFilePath, removeDevFile, writeDevFile } from "./dev-file.ts";
import { lockHome, openHome } from "./home.ts";

function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), "syncline-home-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  return home;
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

test("dev.json is readable by its owner only, also if it replaces a readable one, and can be removed", () => {
  const home = makeHome();
  writeFileSync(devFilePath(home), "{}", { mode: 0o666 });
  writeDevFile(home, {
    ingestUrl: "http://127.0.0.1:3000",
    conflictUrl: "http://127.0.0.1:3001",
    token: "t",
    workspaceId: "w",
    databaseUrl: "postgres://127.0.0.1/syncline",
    redisUrl: "redis://127.0.0.1/0",
    pids: { supervisor: 1, postgres: null, redis: null, ingest: 2, conflict: 3, workers: [4] },
  });
  expect(modeOf(devFilePath(home))).toBe(0o600);
  removeDevFile(home);
  expect(() => statSync(devFilePath(home))).toThrow("ENOENT");
});

test("settings are created once, kept, and private", () => {
  const home = makeHome();
  const settings = openHome(home);
  expect(openHome(home)).toEqual(settings);
  expect(settings.jwtSecret.length).toBeGreaterThanOrEqual(32);
  expect(modeOf(join(home, "settings.json"))).toBe(0o600);
});

test("a home is locked by one process at a time", () => {
  const home = makeHome();
  const unlock = lockHome(home);
  expect(() => lockHome(home)).toThrow(`is running from ${home} already (process ${process.pid};`);
  unlock();
  lockHome(home)();
});

test("the lock of a killed process is void, even if another process has its id", () => {
  const home = makeHome();
  writeFileSync(
    join(home, "supervisor.json"),
    JSON.stringify({ pid: process.pid, identity: "of an earlier one" }),
  );
  lockHome(home)();
});
