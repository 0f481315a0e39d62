import { spawn } from "node:child_process";
import { expect, it } from "vitest";

/**
 * Runs a process with a lifecycle. It prints each resource that it closes, one a line; its log is suppressed except for
 * errors.
 */
async function run(
  body: string,
  signals: NodeJS.Signals[] = [],
): Promise<{ status: number | null; lines: string[] }> {
  const source = `
    import { createLifecycle } from ${JSON.stringify(new URL("lifecycle.ts", import.meta.url).href)};
    import { writeSync } from "node:fs";
    const say = (line) => void writeSync(1, line + "\\n");
    const quiet = () => {};
    const log = { info: quiet, error: (_, message) => say(message), fatal: (_, message) => say(message) };
    const life = createLifecycle({ log, closeTimeoutMs: 300 });
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const pending = [...signals];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    // One signal for each "waiting" that the process prints.
    while (pending.length > 0 && output.split("waiting\n").length - 1 > signals.length - pending.length) {
      const signal = pending.shift();
      if (signal !== undefined) child.kill(signal);
    }
  });
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, lines: output.split("\n").filter((line) => line !== "" && line !== "waiting") };
}

// A timer stands for the connections that keep a service alive.
const RUN = "setInterval(() => {}, 1_000); setImmediate(() => say('waiting')); await life.runUntilSignal();";

it.each<NodeJS.Signals>(["SIGTERM", "SIGINT"])(
  "%s closes the resources, last opened first, and exits with 0",
  async (signal) => {
    const { status, lines } = await run(
      `life.own("first", 1, (value) => say("closed " + value));
     life.own("second", 2, async (value) => { await null; say("closed " + value + ", running: " + life.isRunning()); });
     say("running: " + life.isRunning());
     ${RUN}`,
      [signal],
    );
    expect(lines).toEqual(["running: true", "closed 2, running: false", "closed 1"]);
    expect(status).toBe(0);
  },
);

it("closes the other resources if one fails to close, and exits with 1", async () => {
  const { status, lines } = await run(
    `life.own("first", 1, () => say("closed first"));
     life.own("second", 2, () => { throw new Error("stuck"); });
     ${RUN}`,
    ["SIGTERM"],
  );
  expect(lines).toEqual(["closing second failed", "closed first"]);
  expect(status).toBe(1);
});

it("abandons closing after its time limit, and exits with 1", async () => {
  const { status, lines } = await run(`life.own("stuck", 1, () => new Promise(() => {})); ${RUN}`, [
    "SIGTERM",
  ]);
  expect(lines).toEqual(["closing took too long"]);
  expect(status).toBe(1);
});

it("abandons closing at a second signal", async () => {
  const { status, lines } = await run(
    `life.own("stuck", 1, () => { say("waiting"); return new Promise(() => {}); }); ${RUN}`,
    ["SIGTERM", "SIGTERM"],
  );
  expect(lines).toEqual([]);
  expect(status).toBe(1);
});

it("logs the error of a failed start, closes open resources, and exits with 1", async () => {
  const { status, lines } = await run(
    `life.own("first", 1, () => say("closed first"));
     await life.fail(new Error("port 3000 is taken"));`,
  );
  expect(lines).toEqual(["port 3000 is taken", "closed first"]);
  expect(status).toBe(1);
});

it("returns the resource that it is given", async () => {
  const { lines } = await run(`say(life.own("name", "value", () => {})); await life.fail("x");`);
  expect(lines).toEqual(["value", "start failed"]);
});
