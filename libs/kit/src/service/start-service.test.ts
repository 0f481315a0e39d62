import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";

interface LogLine {
  level: string;
  msg: string;
  port?: number;
}

/** Starts a service in a process of its own. Its lines are those of its log, and the steps that its body prints. */
function start(body: string, env: Record<string, string> = {}) {
  const source = `
    import { startService } from ${JSON.stringify(new URL("start-service.ts", import.meta.url).href)};
    import { portVariable, processEnv, stopDelayVariable } from "@syncline/kit/process";
    import { z } from "zod";
    import { writeSync } from "node:fs";
    const step = (msg) => void writeSync(1, JSON.stringify({ level: "step", msg }) + "\\n");
    const envSchema = z.object({ ...processEnv, PORT: portVariable(0), STOP_DELAY_MS: stopDelayVariable });
    await startService("sample", { env: envSchema, describeError: () => undefined }, async (service, env) => {
      ${body}
    });`;
  const child = spawn(
    process.execPath,
    ["--conditions=@syncline/source", "--input-type=module", "--eval", source],
    {
      cwd: import.meta.dirname,
      env: { ...process.env, HOST: "127.0.0.1", STOP_DELAY_MS: "0", OTEL_METRICS_EXPORTER: "none", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = once(child, "close").then(([status]) => status as number | null);
  const lines = () =>
    output
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LogLine);
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    steps: () =>
      lines()
        .filter(({ level }) => level === "step")
        .map(({ msg }) => msg),
    lines,
    ended,
    errors: () => errors,
    async port(): Promise<number> {
      for (;;) {
        const port = lines().find(({ msg }) => msg === "sample is ready")?.port;
        if (port !== undefined) return port;
        await Promise.race([once(child.stdout, "data"), ended]);
        if (child.exitCode !== null) throw new Error(`the service ended: ${output}${errors}`);
      }
    },
  };
}

it("serves health and its own requests, and at a signal ends responses before the server, and resources last", async () => {
  const service = start(`
    service.own("store", 1, () => step("store closed"));
    service.repeat("a task", async () => {}, 60_000);
    const open = [];
    return {
      readiness: { store: async () => {} },
      stores: {},
      createHandler: (health) => (request, response) =>
        health(request, response, () => {
          open.push(response);
          response.write("begun");
        }),
      endResponses: [() => step("first ended"), () => { open.forEach((r) => r.end(", ended")); step("second ended"); }],
    };`);
  const address = `http://127.0.0.1:${await service.port()}`;
  expect(await (await fetch(`${address}/readyz`)).json()).toEqual({
    status: "ready",
    checks: { store: "ok" },
  });
  const response = await fetch(`${address}/stream`);
  service.kill("SIGTERM");
  expect(await response.text()).toBe("begun, ended");
  expect(await service.ended).toBe(0);
  expect(service.steps()).toEqual(["first ended", "second ended", "store closed"]);
});

it("serves only health and metrics if it has no requests of its own", async () => {
  const service = start(
    `return { readiness: { store: async () => { throw new Error("gone"); } }, stores: {} };`,
  );
  const address = `http://127.0.0.1:${await service.port()}`;
  const ready = await fetch(`${address}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: "not ready", checks: { store: "gone" } },
  ]);
  expect((await fetch(`${address}/anything`)).status).toBe(404);
});

it("closes what was opened and exits with 1 if it cannot be composed", async () => {
  const service = start(`
    service.own("store", 1, () => step("store closed"));
    throw new Error("the database has no epoch");`);
  expect(await service.ended).toBe(1);
  expect(service.steps()).toEqual(["store closed"]);
  expect(service.lines()).toContainEqual(
    expect.objectContaining({ level: "fatal", msg: "the database has no epoch" }),
  );
});

it("exits with one sentence if a variable is faulty", async () => {
  const service = start("return { readiness: {}, stores: {} };", { PORT: "many" });
  expect(await service.ended).toBe(1);
  expect(service.errors()).toMatch(/^Cannot start\. PORT is not usable: .*\n$/);
});
