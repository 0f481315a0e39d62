import { describe, expect, it } from "vitest";
import { applyRun } from "./apply-run.ts";

describe("a device's run", () => {
  it("leaves out a failing operation, names it, and continues", () => {
    const base = { a: 1 };
    const { times, ...applied } = applyRun(base, [
      { clientId: "1", kind: "update", documentId: "doc", data: { b: 1 } },
      {
        clientId: "2",
        kind: "update",
        documentId: "doc",
        patch: [
          { op: "add", path: "/c", value: 1 },
          { op: "test", path: "/a", value: 2 },
        ],
      },
      {
        clientId: "3",
        kind: "update",
        documentId: "doc",
        patch: [{ op: "add", path: "/id", value: "another" }],
      },
      { clientId: "4", kind: "update", documentId: "doc", data: { a: null } },
    ]);
    expect(applied).toStrictEqual({
      document: { b: 1 },
      refused: [
        { clientId: "2", errorType: "patch_failed", message: expect.stringContaining("step 1 (test)") },
        { clientId: "3", errorType: "id_mismatch", message: expect.any(String) },
      ],
      costly: false,
      ended: null,
    });
    expect(times).toEqual({ in: { a: { at: null }, b: { at: null } } });
    expect(base).toStrictEqual({ a: 1 });
  });

  it("without operations leaves the document as it was", () => {
    expect(applyRun(null, [])).toStrictEqual({
      document: null,
      refused: [],
      ended: null,
      costly: false,
      times: {},
    });
  });

  it("stops once it exceeds its limit, and returns the document up to then", () => {
    const base = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n]));
    const edits = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        clientId: String(n),
        kind: "update" as const,
        documentId: "doc",
        data: { edited: n },
      }));
    expect(applyRun(base, edits(97))).toMatchObject({ document: { edited: 96 }, costly: false });
    expect(applyRun(base, edits(1_000))).toMatchObject({ document: { edited: 97 }, costly: true });
  });

  it("returns the document that its last operation deleted, if the run had changed it", () => {
    const update = { clientId: "1", kind: "update", documentId: "doc", data: { b: 1 } } as const;
    const remove = { clientId: "2", kind: "delete", documentId: "doc" } as const;
    expect(applyRun({ a: 1 }, [update, remove, remove])).toMatchObject({
      document: null,
      ended: { a: 1, b: 1 },
    });
    expect(applyRun({ a: 1 }, [remove])).toMatchObject({ document: null, ended: null });
    expect(applyRun({ a: 1 }, [update, remove, update])).toMatchObject({ ended: null });
  });
});
