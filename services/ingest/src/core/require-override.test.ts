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
  const operations = collections.map((collection) => ({ clientId: `of ${collection}`, collection }));
  const batch = { operations, ...(onConflict === undefined ? {} : { onConflict }) };
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
