import { Problem, type Role } from "@syncline/shared/protocol";
import type { ConflictStrategy, Policies } from "@syncline/shared/merge";
import { describe, expect, it } from "vitest";
import { requireOverride } from "./require-override.ts";

const policies: Policies = {
  collections: {
    free: { strategy: "server-wins" },
    led: { strategy: "server-wins", override: "admins" },
    fixed: { override: "nobody" },
  },
};

function refusalOf(role: Role, onConflict: ConflictStrategy | undefined, ...collections: string[]): unknown {
  const operations = collections.map((collection, position) => ({
    clientId: `of ${collection}`,
    collection,
    position,
  }));
  return refusalOfBatch(role, { operations, ...(onConflict === undefined ? {} : { onConflict }) });
}

function refusalOfBatch(role: Role, batch: Parameters<typeof requireOverride>[0]): unknown {
  try {
    requireOverride(batch, role, policies);
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.details;
  }
}

describe("a batch that names a strategy", () => {
  it.each<[Role, ConflictStrategy | undefined, string[], string | undefined]>([
    ["writer", "client-wins", ["free", "unnamed"], undefined],
    ["writer", "client-wins", ["free", "led", "fixed"], "of led"],
    ["admin", "client-wins", ["led"], undefined],
    ["admin", "client-wins", ["led", "fixed"], "of fixed"],
    ["writer", "server-wins", ["led"], undefined],
    ["writer", "merge", ["fixed"], undefined],
    ["writer", "report", ["led", "fixed"], undefined],
    ["writer", undefined, ["led", "fixed"], undefined],
  ])("as %s: %s on %j", (role, strategy, collections, operation) => {
    const refused = refusalOf(role, strategy, ...collections);
    if (operation === undefined) expect(refused).toBeUndefined();
    else expect(refused).toMatchObject({ operation, field: "/on_conflict" });
  });
});

describe("an operation that names a strategy", () => {
  const operation = (position: number, collection: string, onConflict?: ConflictStrategy) => ({
    clientId: `op_${position}`,
    collection,
    position,
    ...(onConflict && { onConflict }),
  });

  it("is checked for itself, whatever the batch names", () => {
    const operations = [operation(0, "free", "manual"), operation(1, "led", "manual")];
    const refused = { operation: "op_1", field: "/operations/1/on_conflict" };
    expect(refusalOfBatch("writer", { operations })).toMatchObject(refused);
    expect(refusalOfBatch("writer", { operations, onConflict: "report" })).toMatchObject(refused);
    expect(refusalOfBatch("admin", { operations })).toBeUndefined();
  });

  it("is not refused for what its batch names", () => {
    const operations = [operation(0, "led", "report"), operation(1, "fixed", "merge")];
    expect(refusalOfBatch("writer", { operations, onConflict: "client-wins" })).toBeUndefined();
  });
});
