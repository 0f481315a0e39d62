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

test.runIf(isRoot)("root finds someone else to run Postgres as, an unknown SUDO_UID notwithstanding", () => {
  const user = findUnprivilegedUser({ SUDO_UID: "4294960000" }, "/nonexistent");
  expect(user?.uid).toBeGreaterThan(0);
});

test.skipIf(isRoot)("an ordinary user runs it as themselves", () => {
  expect(findUnprivilegedUser({}, "/nonexistent")).toBeUndefined();
});

test.runIf(isRoot)("a folder below a closed one is out of reach until that one is opened", () => {
  const user = findUnprivilegedUser({}, "/nonexistent");
  if (user === undefined) throw new Error("unreachable: we are root");
  const closed = makeFolder(); // mkdtemp closes what it makes
  const inside = join(closed, "inside");
  mkdirSync(inside);
  chmodSync(inside, 0o755);
  expect(canUserReach(user, inside)).toBe(false);
  chmodSync(closed, 0o711);
  expect(canUserReach(user, inside)).toBe(true);
  chmodSync(inside, 0o700);
  expect(canUserReach(user, inside)).toBe(false);
});
