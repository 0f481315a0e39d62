import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { canUserReach, findUnprivilegedUser } from "./unprivileged-user.ts";

const isRoot = process.getuid?.() === 0;

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "syncline-reach-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test.runIf(isRoot)("root finds another user to run Postgres as, despite an unknown SUDO_UID", () => {
  const user = findUnprivilegedUser({ SUDO_UID: "4294960000" }, "/nonexistent");
  expect(user?.uid).toBeGreaterThan(0);
});

test.skipIf(isRoot)("an ordinary user runs Postgres as that user", () => {
  expect(findUnprivilegedUser({}, "/nonexistent")).toBeUndefined();
});

test.runIf(isRoot)("a folder below a closed one cannot be reached until the closed one is opened", () => {
  const user = findUnprivilegedUser({}, "/nonexistent");
  if (user === undefined) throw new Error("unreachable: we are root");
  const closed = makeFolder(); // mkdtemp creates a private folder
  const inside = join(closed, "inside");
  mkdirSync(inside);
  chmodSync(inside, 0o755);
  expect(canUserReach(user, inside)).toBe(false);
  chmodSync(closed, 0o711);
  expect(canUserReach(user, inside)).toBe(true);
  chmodSync(inside, 0o700);
  expect(canUserReach(user, inside)).toBe(false);
});
