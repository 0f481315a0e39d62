import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collideOn } from "../support/collide.ts";
import { readFencedBlocks, type FencedBlock } from "../support/fenced-blocks.ts";
import { createClient, startSystem, type Client, type System } from "../support/system.ts";

type Answer = Record<string, unknown>;

let folder: string;
let system: System;
let client: Client;
let firstSteps: FencedBlock[];
let conflicts: FencedBlock[];
beforeAll(async () => {
  firstSteps = await readFencedBlocks("docs/protocol/quick-start.md", "Try it");
  conflicts = await readFencedBlocks("README.md", "Conflicts");
  folder = await mkdtemp(join(tmpdir(), "readme-"));
  const policies = join(folder, "policies.mjs");
  await writeFile(policies, codeOf(conflicts, "js"));
  system = await startSystem({ env: { POLICIES: policies } });
  client = await createClient(system);
});
afterAll(async () => {
  await system.stop();
  await rm(folder, { recursive: true });
});

describe("the README", () => {
  it("shows the real answers to its first steps, and to a conflict with a policy", async () => {
    const answers = await runAsWritten([...firstSteps, ...conflicts]);
    const [batch, document, changes, , , phone, parked, record, decided, after] = answers;
    const [firstAnswer, phoneResult] = [...firstSteps, ...conflicts]
      .filter(({ language }) => language === "json")
      .map(({ code }) => patternOf(JSON.parse(code)));
    expect(batch).toEqual(firstAnswer);
    expect(document).toMatchObject({ version: 2, data: { title: "Milk", done: true } });
    expect(changes).toMatchObject({ changes: [{ document_id: "note_1", version: 2 }] });
    expect(phone?.["results"]).toEqual([phoneResult]);
    expect(parked).toMatchObject({ conflicts: [{ document_id: "order_1", status: "parked" }] });
    expect(record).toMatchObject({ hook: "asked", overlaps: [{ path: "/price", remote: 6, local: 4 }] });
    expect(decided).toMatchObject({ status: "completed" });
    expect(after).toMatchObject({ version: 3, data: { state: "open", price: 4, quantity: 3 } });
  });

  it("has a hook that matches its comments", async () => {
    const ancestor = { state: "open", price: 5, quantity: 2, note: "" };
    const most = await collideOn(client, "orders", {
      ancestor,
      remote: { ...ancestor, quantity: 9, note: "by hand" },
      local: { ...ancestor, quantity: 3, price: 4 },
    });
    expect([most.record["hook"], most.data]).toEqual([
      "resolved",
      { state: "open", price: 4, quantity: 9, note: "by hand" },
    ]);
    const shipped = { ...ancestor, state: "shipped" };
    const late = await collideOn(client, "orders", {
      ancestor,
      remote: shipped,
      local: { ...ancestor, price: 4 },
    });
    expect(late.record).toMatchObject({ hook: "deferred", strategy: "server-wins" });
    expect(late.data).toEqual(shipped);
  });

  it("has policies that match its description", async () => {
    const text = await collideOn(client, "notes", {
      ancestor: { body: "buy milk and bread" },
      remote: { body: "buy oat milk and bread" },
      local: { body: "buy milk and rye bread" },
    });
    expect(text.data).toEqual({ body: "buy oat milk and rye bread" });
    const state = await collideOn(client, "settings", {
      ancestor: { volume: 1 },
      remote: { volume: 2 },
      local: { volume: 3 },
      timestamps: [2_000, 1_000],
    });
    expect(state.data).toEqual({ volume: 2 });
  });
});

/** Runs the commands as a reader would in one shell, and returns each answer. Only the addresses are changed. */
async function runAsWritten(blocks: readonly FencedBlock[]): Promise<Answer[]> {
  const { syncline } = system;
  const { workspaceId } = client;
  const token = await syncline.token({ [workspaceId]: "admin" });
  await mkdir(join(folder, ".syncline"));
  await writeFile(join(folder, ".syncline", "dev.json"), JSON.stringify({ token, workspaceId }));
  await mkdir(join(folder, "bin"));
  const curl = join(folder, "bin", "curl");
  await copyFile(fileURLToPath(new URL("../support/curl.mjs", import.meta.url)), curl);
  await chmod(curl, 0o755);
  const script = blocks
    .filter(({ language, code }) => language === "sh" && !code.includes("npm start"))
    .map(({ code }) => code.replaceAll("http://127.0.0.1:3000", syncline.ingestUrl))
    .join("\n");
  const path = [join(folder, "bin"), dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], {
    cwd: folder,
    env: { PATH: path },
  });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
}

/** Replaces the parts that differ between runs: ids, which the page shortens, and times. */
function patternOf(documented: unknown): unknown {
  return JSON.parse(JSON.stringify(documented), (key, value: unknown) => {
    if (key === "processing_time_ms") return expect.any(Number);
    return typeof value === "string" && value.endsWith("…") ? expect.any(String) : value;
  });
}

function codeOf(blocks: readonly FencedBlock[], language: string): string {
  const found = blocks.filter((block) => block.language === language);
  if (found.length !== 1)
    throw new Error(`The section has ${found.length} blocks of ${language}, expected one.`);
  return found[0]?.code ?? "";
}
