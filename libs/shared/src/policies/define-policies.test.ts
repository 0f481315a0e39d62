import { describe, expect, it } from "vitest";
import { definePolicies } from "./define-policies.ts";
import { policyOf, type Policies } from "../merge/policies.ts";

describe("policies", () => {
  it("are accepted as they are if valid", () => {
    const policies: Policies = {
      default: { strategy: "last-write-wins", override: "admins" },
      collections: {
        notes: { rules: [{ path: "/body", is: "text" }], deleteVsEdit: "park", resolve: () => undefined },
        orders: { arrayKeys: ["sku"], rules: [{ path: "/lines", is: "items", key: "line" }] },
      },
    };
    expect(definePolicies(policies)).toEqual(policies);
  });

  it.each([
    [{ default: { strategy: "theirs" } }, "default.strategy"],
    [{ collections: { notes: { rules: [{ path: "body", is: "text" }] } } }, "collections.notes.rules.0.path"],
    [{ collections: { notes: { rules: [{ path: "/tags", is: "bag" }] } } }, "collections.notes.rules.0.is"],
    [{ collections: { notes: { resolve: "merge" } } }, "collections.notes.resolve: must be a function"],
    [{ default: { strategy: "report", resolve: () => undefined } }, "default.resolve: is never called"],
    [{ collection: {} }, "collection"],
    [undefined, "policies"],
  ])("that are invalid name the path: %j", (policies, place) => {
    expect(() => definePolicies(policies as Policies)).toThrow(place);
  });

  it("are a collection's own, otherwise the default one, never inherited from a prototype", () => {
    const own = { strategy: "manual" } as const;
    const policies: Policies = { default: { strategy: "merge" }, collections: { notes: own } };
    expect(policyOf(policies, "notes")).toBe(own);
    expect(policyOf(policies, "toString")).toBe(policies.default);
    expect(policyOf({}, "notes")).toEqual({});
  });
});
