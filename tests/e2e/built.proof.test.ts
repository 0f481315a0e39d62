import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { builtPrograms } from "@syncline/stack";
import { afterAll, beforeAll, expect, it } from "vitest";
import { collideOn } from "../support/collide.ts";
import { createClient, startSystem, type System } from "../support/system.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const BUILD_TIMEOUT_MS = 240_000;

let system: System;
beforeAll(async () => {
  // Does not rebuild output that is up to date.
  await promisify(execFile)("npm", ["run", "build"], { cwd: REPOSITORY });
  system = await startSystem({
    programs: builtPrograms,
    env: { POLICIES: "examples/policies/policies.mjs" },
  });
}, BUILD_TIMEOUT_MS);
afterAll(() => system.stop());

it("the images' entry points process an operation, including a conflict and a hook in its own process", async () => {
  const client = await createClient(system);
  const ancestor = { state: "open", price: 5, quantity: 1 };
  const { result, record, data } = await collideOn(client, "orders", {
    ancestor,
    remote: { ...ancestor, quantity: 9 },
    local: { ...ancestor, quantity: 2, price: 4 },
  });
  expect(result).toMatchObject({ status: "success", merged: true });
  expect(record).toMatchObject({ status: "resolved", hook: "resolved" });
  expect(data).toEqual({ state: "open", price: 4, quantity: 9 });
});
