import { describe, expect, it } from "vitest";
import { definePolicies, policyOf, type Policies } from "./policies.ts";

describe("policies", () => {
  it("are taken as they are where nothing is wrong", () => {
    const policies: Policies = {
      default: { strategy: "last-write-wins", override: "admins" },
      collections: {
        notes: { rules: [{ path: "/body", is: "text" }], deleteVsEdit: "park", resolve: () => undefined },
        orders: { arrayKeys: ["sku"], rules: [{ path: "/lines", is: "items", key: "line" }] },
      },
    };
    expect(definePolicies(policies)).toBe(policies);
  });

  it.each([
    [{ default: { strategy: "theirs" } }, "default.strategy"],
    [{ collections: { notes: { rules: [{ path: "body", is: "text" }] } } }, "collections.notes.rules.0.path"],
    [{ collections: { notes: { rules: [{ path: "/tags", is: "bag" }] } } }, "collections.notes.rules.0.is"],
    [{ collections: { notes: { resolve: "merge" } } }, "collections.notes.resolve: must be a function"],
    [{ default: { strategy: "report", resolve: () => undefined } }, "default.resolve: is never asked"],
    [{ collection: {} }, "collection"],
    [undefined, "policies"],
  ])("that are wrong name the place: %j", (policies, place) => {
    expect(() => definePolicies(policies as Policies)).toThrow(place);
  });

  it("are a collection's own, or else the default one, never another object's", () => {
    const own = { strategy: "manual" } as const;
    const policies: Policies = { default: { strategy: "merge" }, collections: { notes: own } };
    expect(policyOf(policies, "notes")).toBe(own);
    expect(policyOf(policies, "toString")).toBe(policies.default);
    expect(policyOf({}, "notes")).toEqual({});
  });
});
