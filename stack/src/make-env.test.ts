import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { REPOSITORY } from "./repository.ts";

/** Creates a folder with the script in its place, and a function that runs it there. */
function prepare(): { env: string; run: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "syncline-env-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "scripts"));
  const script = join(folder, "scripts", "make-env.sh");
  copyFileSync(join(REPOSITORY, "scripts", "make-env.sh"), script);
  return { env: join(folder, ".env"), run: () => void execFileSync("sh", [script]) };
}

const namesOf = (text: string) => text.split("\n").flatMap((line) => /^(\w+)=\w{64}$/.exec(line)?.[1] ?? []);

test("every secret that docker-compose.yml requires is created, is unique, and readable by its owner only", () => {
  const { env, run } = prepare();
  run();
  const compose = readFileSync(join(REPOSITORY, "docker-compose.yml"), "utf8");
  const demanded = new Set([...compose.matchAll(/\$\{(\w+):\?/g)].map(([, name = ""]) => name));
  const text = readFileSync(env, "utf8");
  expect(new Set(namesOf(text))).toEqual(demanded);
  expect(new Set(text.match(/\w{64}/g)).size).toBe(demanded.size);
  expect(statSync(env).mode & 0o777).toBe(0o600);
});

test("a second run changes no secret, and makes a file private that others could read", () => {
  const { env, run } = prepare();
  run();
  const before = readFileSync(env, "utf8");
  writeFileSync(env, `${before}SYNCLINE_PORT=8080\n`, { mode: 0o644 });
  run();
  expect(readFileSync(env, "utf8")).toBe(`${before}SYNCLINE_PORT=8080\n`);
  expect(statSync(env).mode & 0o777).toBe(0o600);
});

test("a missing or empty secret is added, and the others stay", () => {
  const { env, run } = prepare();
  writeFileSync(env, "JWT_SECRET=mine\nREDIS_PASSWORD=\n");
  run();
  const text = readFileSync(env, "utf8");
  expect(text.startsWith("JWT_SECRET=mine\nREDIS_PASSWORD=\n")).toBe(true);
  expect(namesOf(text)).toContain("REDIS_PASSWORD");
  expect(namesOf(text)).not.toContain("JWT_SECRET");
});
