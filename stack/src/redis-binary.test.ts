import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { runUnlocked } from "./redis-binary.ts";

const HELD = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)";

/** A shell command. The first time it fails with a message, then it succeeds. */
function failingOnce(message: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "syncline-lock-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const script = 'if [ -e "$1" ]; then exit 0; fi; touch "$1"; echo "$2" >&2; echo "is it in use?"; exit 100';
  return ["sh", "-c", script, "sh", join(folder, "ran"), message];
}

test.each([
  ["apt-get", HELD],
  [
    "apt-get's lists",
    "E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)",
  ],
  ["apk", "ERROR: Unable to lock database: Resource temporarily unavailable"],
])("the end of another run of %s is awaited, and reported", async (_, message) => {
  const said: string[] = [];
  await runUnlocked(failingOnce(message), (line) => void said.push(line));
  expect(said).toEqual([
    expect.stringMatching(/^Another program installs packages: waiting for it, .*lock/i),
  ]);
});

test("another failure is reported immediately", async () => {
  const said: string[] = [];
  const failing = failingOnce("E: Unable to locate package redis-server");
  await expect(runUnlocked(failing, (line) => void said.push(line))).rejects.toThrow(
    /ended with 100: E: Unable to locate package redis-server$/,
  );
  expect(said).toEqual([]);
});

test("the wait for another run is bounded", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const always = ["sh", "-c", `echo "${HELD}" >&2; exit 100`];
  const run = runUnlocked(always, () => vi.setSystemTime(Date.now() + 11 * 60_000));
  await expect(run).rejects.toThrow(HELD);
});
