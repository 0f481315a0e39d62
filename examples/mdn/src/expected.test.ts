import { describe, expect, it } from "vitest";
import type { DocumentChange } from "./devices/device.ts";
import { expectDocuments, type PlacedChange } from "./expected.ts";
import type { JsonObject } from "./json.ts";

const features = (documents: Record<string, JsonObject>) => new Map(Object.entries(documents));
const place = (seq: number, change: DocumentChange, documentId = "doc"): PlacedChange => ({
  documentId,
  change,
  seq,
});
const write = (...fields: [string, string][]): DocumentChange => ({
  kind: "update",
  writes: fields.map(([path, value]) => ({ keys: path.split("."), value })),
});

describe("expectDocuments", () => {
  const older = features({ doc: { a: "1", o: { b: "1", c: "1" } } });
  const newer = features({ doc: { a: "2", o: { b: "2", c: "1" } } });
  const theirs = write(["a", "2"], ["o.b", "2"]);

  it("keeps the fields of both, and gives a field that both wrote the later value in the feed", () => {
    const own = write(["o.b", "3"], ["o.c", "3"]);
    const last = (theirSeq: number, ownSeq: number) =>
      expectDocuments(older, newer, [place(theirSeq, theirs)], [place(ownSeq, own)]).get("doc");
    expect(last(1, 2)).toEqual({ a: "2", o: { b: "3", c: "3" } });
    expect(last(2, 1)).toEqual({ a: "2", o: { b: "2", c: "3" } });
  });

  it("keeps a device's order if its operations were folded into one change", () => {
    const edits = [place(5, write(["o.c", "3"])), place(5, write(["o.c", "4"]))];
    expect(expectDocuments(older, newer, [place(4, theirs)], edits).get("doc")).toEqual({
      a: "2",
      o: { b: "2", c: "4" },
    });
  });

  it("keeps an edit if the other device deleted, in either order", () => {
    for (const seq of [1, 3]) {
      const deletion = place(seq, { kind: "delete" });
      const documents = expectDocuments(older, features({}), [deletion], [place(2, write(["a", "3"]))]);
      expect(documents.get("doc")).toEqual({ a: "3", o: { b: "1", c: "1" } });
    }
  });

  it("takes the newer release's document if only that release touched it", () => {
    expect(expectDocuments(older, features({ added: { a: "1" } }), [], [])).toEqual(
      features({ added: { a: "1" } }),
    );
  });
});
