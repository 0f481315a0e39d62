import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readWholeGroup } from "../../testing/storages/index.ts";
import { nodeSqlite } from "./node.ts";
import { sqliteStorage } from "./sqlite-storage.ts";

const MAIN = join(import.meta.dirname, "testing/crash-main.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "syncline-crash-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Death {
  signal: string | null;
  /** The last group whose commit was reported. */
  reported: number;
  statements: number;
}

/** Runs a process that commits, and optionally kills it when it has reported group `killAt`. */
async function run(args: readonly string[], killAt = Infinity): Promise<Death> {
  const child = spawn(process.execPath, ["--conditions=@syncline/source", MAIN, folder, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const death: Death = { signal: null, reported: 0, statements: 0 };
  const ended = new Promise<void>((resolve) =>
    child.once("close", (_, signal) => {
      death.signal = signal;
      resolve();
    }),
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, number] = line.split(" ");
    if (word === "committed") death.reported = Number(number);
    if (word === "statements") death.statements = Number(number);
    if (death.reported >= killAt) child.kill("SIGKILL");
  }
  await ended;
  return death;
}

/** The last group in the database after the death of its process; throws if it is not whole. */
async function readAfterCrash(): Promise<number> {
  const storage = sqliteStorage(nodeSqlite(folder));
  await storage.open("crash", 1);
  try {
    return await readWholeGroup(storage);
  } finally {
    await storage.close();
  }
}

it("keeps a commit whole when its process is killed before or after any of its statements", async () => {
  const { statements } = await run(["never", "0", "1"]);
  expect(statements).toBeGreaterThan(5);
  for (let statement = 1; statement <= statements; statement += 1)
    for (const moment of ["before", "after"]) {
      rmSync(folder, { recursive: true });
      const { signal, reported } = await run([moment, String(statement), "3"]);
      expect([signal, reported]).toEqual(["SIGKILL", 2]);
      const took = moment === "after" && statement === statements;
      expect(await readAfterCrash(), `${moment} statement ${statement}`).toBe(took ? 3 : 2);
    }
});

it("loses no reported commit when its process is killed at any time", async () => {
  for (const killAt of [1, 2, 5, 10, 30]) {
    rmSync(folder, { recursive: true });
    const { signal, reported } = await run(["never", "0", "100000"], killAt);
    expect(signal).toBe("SIGKILL");
    expect(reported).toBeGreaterThanOrEqual(killAt);
    const last = await readAfterCrash();
    // The process may have committed once more than it could report.
    expect([reported, reported + 1]).toContain(last);
  }
});
