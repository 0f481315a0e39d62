import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
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

function describeScript(
  script: string,
  whyNotReady: ProcessSpec["whyNotReady"] = () => Promise.resolve(undefined),
): ProcessSpec {
  return {
    name: "script",
    command: process.execPath,
    args: ["-e", script],
    env: {},
    cwd: "/",
    stopSignals: ["SIGTERM", "SIGKILL"],
    whyNotReady,
  };
}

const STAYS = "setInterval(() => {}, 1000)";

function requirePid(managed: ManagedProcess): number {
  if (managed.pid === undefined) throw new Error("the process does not run");
  return managed.pid;
}

test("a process that ends before it is ready fails with its exit and its output", async () => {
  const spec = describeScript('console.error("out of cheese"); process.exit(7)', () =>
    Promise.resolve("it is not there"),
  );
  const managed = new ManagedProcess(makeHome(), spec);
  await expect(managed.start()).rejects.toThrow(
    /script ended before it was ready \(exit code 7\)[\s\S]*out of cheese/,
  );
});

test("only the output of this run is shown from a log with earlier runs", async () => {
  const home = makeHome();
  const never = () => Promise.resolve("it is not there");
  const describe = (word: string) => describeScript(`console.error("${word}"); process.exit(1)`, never);
  await expect(new ManagedProcess(home, describe("yesterday")).start()).rejects.toThrow("yesterday");
  const start = new ManagedProcess(home, describe("today")).start();
  await expect(start).rejects.toThrow(/^(?![\s\S]*yesterday)[\s\S]*today/);
});

test("a process that cannot be recorded is stopped, and the reason is given", async () => {
  const home = makeHome();
  // Blocks every record, as a full disk would.
  writeFileSync(join(home, "processes"), "");
  const managed = new ManagedProcess(home, describeScript(STAYS));
  onTestFinished(() => managed.kill());
  const start = managed.start();
  const pid = requirePid(managed);
  await expect(start).rejects.toThrow(/EEXIST|ENOTDIR/);
  expect(identifyProcess(pid)).toBeUndefined();
  expect(managed.pid).toBeUndefined();
  rmSync(join(home, "processes"));
});

test("an incomplete record, as a full disk leaves it, does not prevent the next start", async () => {
  const home = makeHome();
  mkdirSync(join(home, "processes"));
  writeFileSync(join(home, "processes", "17.json"), '{"name":"redi');
  expect(await endRecordedProcesses(home)).toEqual([]);
  expect(readdirSync(join(home, "processes"))).toEqual([]);
});

test("a slow start is awaited, with a line that names the reason", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const said: string[] = [];
  let asked = 0;
  const managed = new ManagedProcess(
    makeHome(),
    describeScript(STAYS, () => {
      vi.setSystemTime(Date.now() + 60_000);
      return Promise.resolve(++asked < 4 ? "it reads its data" : undefined);
    }),
  );
  await managed.start((line) => void said.push(line));
  expect(said[0]).toBe("Waiting for script, 60 s so far: it reads its data.");
  expect(managed.pid).toBeDefined();
  await managed.stop();
});

test("a start beyond the time limit is abandoned, and leaves no process", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const managed = new ManagedProcess(
    makeHome(),
    describeScript(STAYS, () => {
      vi.setSystemTime(Date.now() + 240_000);
      return Promise.resolve("it reads its data");
    }),
  );
  await expect(managed.start()).rejects.toThrow(
    /not ready within 10 minutes and was stopped \(it reads its data\)/,
  );
  expect(managed.pid).toBeUndefined();
});

test("a missing program is named", async () => {
  const managed = new ManagedProcess(makeHome(), { ...describeScript(""), command: "/no/such/program" });
  await expect(managed.start()).rejects.toThrow("script could not be started (/no/such/program)");
});

test("stop ends a process, and restart gives it another process id", async () => {
  const managed = new ManagedProcess(makeHome(), describeScript(STAYS));
  await managed.start();
  const first = requirePid(managed);
  await managed.restart();
  expect(requirePid(managed)).not.toBe(first);
  await managed.stop();
  expect(managed.pid).toBeUndefined();
});

test("orphaned processes, and no others, are ended by the next process that uses the folder", async () => {
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

test("a killed supervised process is restarted, unless the supervisor was stopped", async () => {
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

test("a first start that ends with a timeout is repeated, and one that ends with another error is not", async () => {
  const home = makeHome();
  const said: string[] = [];
  const supervisor = new Supervisor({
    home,
    say: (line) => void said.push(line),
    onRestart: () => undefined,
  });
  onTestFinished(() => supervisor.stop());
  const until = (marker: string) => () => Promise.resolve(existsSync(marker) ? undefined : "it is not there");
  const failOnce = (marker: string, message: string) =>
    `const fs = require("node:fs");
     if (fs.existsSync("${marker}.once")) { fs.writeFileSync("${marker}", ""); ${STAYS} }
     else { fs.writeFileSync("${marker}.once", ""); console.error("Cannot start. ${message}"); process.exit(1); }`;
  const late = join(home, "late");
  const managed = await supervisor.start(describeScript(failOnce(late, "connection timeout"), until(late)));
  expect(managed.pid).toBeDefined();
  expect(said.join("\n")).toContain("Starting script again, because the machine may only be busy.");
  const wrong = join(home, "wrong");
  const start = supervisor.start(describeScript(failOnce(wrong, "wrong password"), until(wrong)));
  await expect(start).rejects.toThrow("wrong password");
});
