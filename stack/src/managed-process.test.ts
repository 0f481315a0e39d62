import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ManagedProcess } from "./managed-process.ts";
import type { ProcessSpec } from "./managed-process.ts";
import { endRecordedProcesses, identifyProcess } from "./process-records.ts";
import { Supervisor } from "./supervisor.ts";

function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), "syncline-process-"));
  onTestFinished(async () => {
    await endRecordedProcesses(home);
    rmSync(home, { recursive: true });
  });
  return home;
}

function describeScript(script: string, isReady = () => Promise.resolve(true)): ProcessSpec {
  return {
    name: "script",
    command: process.execPath,
    args: ["-e", script],
    env: {},
    cwd: "/",
    stopSignals: ["SIGTERM", "SIGKILL"],
    readyTimeoutMs: 10_000,
    isReady,
  };
}

const STAYS = "setInterval(() => {}, 1000)";

function requirePid(managed: ManagedProcess): number {
  if (managed.pid === undefined) throw new Error("the process does not run");
  return managed.pid;
}

test("one that ends before it is ready fails with how it ended and what it said", async () => {
  const spec = describeScript('console.error("out of cheese"); process.exit(7)', () =>
    Promise.resolve(false),
  );
  const managed = new ManagedProcess(makeHome(), spec);
  await expect(managed.start()).rejects.toThrow(
    /script ended before it was ready \(exit code 7\)[\s\S]*out of cheese/,
  );
});

test("a program that is not there is named", async () => {
  const managed = new ManagedProcess(makeHome(), { ...describeScript(""), command: "/no/such/program" });
  await expect(managed.start()).rejects.toThrow("script could not be started (/no/such/program)");
});

test("stop ends it, and restart gives it another process id", async () => {
  const managed = new ManagedProcess(makeHome(), describeScript(STAYS));
  await managed.start();
  const first = requirePid(managed);
  await managed.restart();
  expect(requirePid(managed)).not.toBe(first);
  await managed.stop();
  expect(managed.pid).toBeUndefined();
});

test("processes that their starter left behind are ended by the folder's next user, and only they", async () => {
  const home = makeHome();
  const left = new ManagedProcess(home, describeScript(STAYS));
  const other = new ManagedProcess(makeHome(), describeScript(STAYS));
  await Promise.all([left.start(), other.start()]);
  const pid = requirePid(left);
  expect(await endRecordedProcesses(home)).toEqual(["script"]);
  expect(identifyProcess(pid)).toBeUndefined();
  expect(identifyProcess(requirePid(other))).toBeDefined();
  expect(await endRecordedProcesses(home)).toEqual([]);
});

test("a supervised process that is killed comes back, and does not when all was stopped", async () => {
  const restarted = Promise.withResolvers<void>();
  const said: string[] = [];
  const supervisor = new Supervisor({
    home: makeHome(),
    say: (line) => void said.push(line),
    onRestart: () => restarted.resolve(),
  });
  const managed = await supervisor.start(describeScript(STAYS));
  const first = requirePid(managed);
  process.kill(first, "SIGKILL");
  await restarted.promise;
  expect(requirePid(managed)).not.toBe(first);
  expect(said.join("\n")).toMatch(
    /script ended \(signal SIGKILL\)[\s\S]*again in 0\.25 s[\s\S]*is running again/,
  );
  await supervisor.stop();
  expect(managed.pid).toBeUndefined();
  await expect(supervisor.start(describeScript(STAYS))).rejects.toThrow("everything is stopping");
});
