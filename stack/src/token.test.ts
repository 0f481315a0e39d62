import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { jwtVerify } from "jose";
import { expect, it, onTestFinished } from "vitest";
import { writeDevFile, type DevFile } from "./dev-file.ts";
import { openHome } from "./home.ts";
import { REPOSITORY } from "./repository.ts";

const TIMEOUT = { timeout: 600_000 };

function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), "syncline-token-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  return home;
}

/** Runs `npm run token` with the settings of a folder. */
async function runToken(home: string, ...args: string[]) {
  const flags = ["--conditions=@syncline/source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, "stack/src/token.ts", ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, SYNCLINE_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close") as Promise<[number]>;
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await closed;
  return { code, said, complained };
}

it("prints a token that is signed with the key of the running stack", TIMEOUT, async () => {
  const home = makeHome();
  const { jwtSecret, workspaceId } = openHome(home);
  writeDevFile(home, { workspaceId } as DevFile);
  const claimsOf = async (...args: string[]) => {
    const { said } = await runToken(home, ...args);
    return (await jwtVerify(said.trim(), new TextEncoder().encode(jwtSecret))).payload;
  };
  const [own, given] = await Promise.all([
    claimsOf(),
    claimsOf("--sub", "ann", "--workspace", "w", "--role", "reader", "--ttl", "2m"),
  ]);
  expect(own).toMatchObject({ sub: "dev", workspaces: { [workspaceId]: "writer" } });
  expect(given).toMatchObject({ sub: "ann", workspaces: { w: "reader" } });
  expect((given.exp ?? 0) - (given.iat ?? 0)).toBe(120);
});

it("says that no stack runs, or which option is wrong", TIMEOUT, async () => {
  const home = makeHome();
  const [away, wrong] = await Promise.all([runToken(home), runToken(home, "--role", "owner")]);
  expect(away).toMatchObject({ code: 1, said: "" });
  expect(away.complained).toMatch(/^No Syncline runs from .*: run npm start first/);
  expect(wrong).toMatchObject({ code: 1, said: "" });
  expect(wrong.complained).toMatch(/^--role must be/);
});
