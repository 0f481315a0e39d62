import { fromBase64, toBase64 } from "lib0/buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import type { Json, JsonObject } from "../document/json.ts";
import { mergeDocument } from "../operations/merge-document.ts";
import { mergeThreeWay } from "../merge/merge-three-way.ts";
import { mergeYjsStates } from "./merge-yjs-states.ts";

interface Typing {
  readonly at: number;
  readonly text: string;
  readonly removed: number;
}

/** Applies a device's typings to a state. */
function type(state: string | undefined, clientId: number, typings: readonly Typing[]): string {
  const doc = open(state);
  doc.clientID = clientId;
  const text = doc.getText("t");
  for (const { at, text: added, removed } of typings) {
    const index = Math.min(at, text.length);
    text.delete(index, Math.min(removed, text.length - index));
    text.insert(index, added);
  }
  return toBase64(Y.encodeStateAsUpdate(doc));
}

function open(state: string | undefined): Y.Doc {
  const doc = new Y.Doc();
  if (state !== undefined) Y.applyUpdate(doc, fromBase64(state));
  return doc;
}

const read = (state: Json | undefined) =>
  open(typeof state === "string" ? state : undefined)
    .getText("t")
    .toJSON();
const typings = fc.array(
  fc.record({ at: fc.nat(9), text: fc.constantFrom("a", "bc", "def"), removed: fc.nat(3) }),
  { maxLength: 5 },
);

const base = type(undefined, 1, [{ at: 0, text: "hello", removed: 0 }]);
const remote = type(base, 2, [{ at: 0, text: "R", removed: 0 }]);
const local = type(base, 3, [{ at: 9, text: "L", removed: 0 }]);

describe("Yjs states", () => {
  it("under the Yjs key merge without a rule and without an overlap", () => {
    const { document, overlaps } = mergeDocument({
      ancestor: { note: { yjs_state_b64: base } },
      remote: { note: { yjs_state_b64: remote } },
      local: { note: { yjs_state_b64: local } },
    });
    const note = document?.["note"] as JsonObject | undefined;
    expect(read(note?.["yjs_state_b64"])).toBe("RhelloL");
    expect(overlaps).toStrictEqual([]);
  });

  it("under another name merge by rule, and are otherwise ordinary values", () => {
    const sides = { ancestor: { s: base }, remote: { s: remote }, local: { s: local } };
    const merged = mergeDocument(sides, { rules: [{ path: "/s", is: "yjs" }] });
    expect(read(merged.document?.["s"])).toBe("RhelloL");
    expect(mergeDocument(sides)).toMatchObject({ document: { s: local }, overlaps: [{ path: "/s" }] });
  });

  it("need no ancestor", () => {
    const merged = mergeDocument({
      ancestor: null,
      remote: { yjs_state_b64: remote },
      local: { yjs_state_b64: local },
    });
    expect(read(merged.document?.["yjs_state_b64"])).toBe("RhelloL");
    expect(merged.overlaps).toStrictEqual([]);
  });

  it("are ordinary values for a caller that leaves Yjs out", () => {
    const sides = {
      ancestor: { yjs_state_b64: base },
      remote: { yjs_state_b64: remote },
      local: { yjs_state_b64: local },
    };
    expect(mergeThreeWay(sides).overlaps).toMatchObject([{ path: "/yjs_state_b64" }]);
  });

  it("that cannot be read are ordinary values, and an overlap", () => {
    const sides = { ancestor: { yjs_state_b64: base }, remote: { yjs_state_b64: remote } };
    const trailing = toBase64(Uint8Array.from([...fromBase64(local), 7]));
    const cut = toBase64(fromBase64(local).slice(0, -3));
    const second = toBase64(Y.encodeStateAsUpdateV2(open(local)));
    // The state claims two thousand million structs.
    const huge = toBase64(Uint8Array.from([1, 255, 255, 255, 255, 7, 1, 0]));
    // The clients of the state are in another order than Yjs writes them in.
    const unordered = toBase64(Uint8Array.from([2, 1, 2, 0, 0, 1, 1, 3, 0, 0, 1, 0]));
    for (const unreadable of [
      "",
      "no state",
      "hello===",
      "aGVsbG8=",
      trailing,
      cut,
      second,
      huge,
      unordered,
    ]) {
      const merged = mergeDocument({ ...sides, local: { yjs_state_b64: unreadable } });
      expect(merged.document).toStrictEqual({ yjs_state_b64: unreadable });
      expect(merged.overlaps).toHaveLength(1);
    }
  });

  it("have all text that either side typed and neither removed, byte for byte the same if the sides are swapped", () => {
    fc.assert(
      fc.property(typings, typings, (remoteTypings, localTypings) => {
        const remote = type(base, 2, remoteTypings);
        const local = type(base, 3, localTypings);
        const merged = mergeYjsStates(remote, local) ?? "";
        const expected = open(remote);
        Y.applyUpdate(expected, fromBase64(local));
        expect(read(merged)).toBe(expected.getText("t").toJSON());
        expect(read(mergeYjsStates(local, remote))).toBe(read(merged));
        // Merged again, the state does not even change its bytes.
        expect(mergeYjsStates(merged, local)).toBe(merged);
        expect(mergeYjsStates(remote, merged)).toBe(merged);
        expect(mergeYjsStates(base, remote)).toBe(remote);
      }),
      { numRuns: 300 },
    );
  });

  it("that would take minutes to integrate are merged at once", () => {
    // Yjs compares each item that one device inserted in front with all items that the other inserted behind.
    const itemCount = 10_000;
    const list = (clientId: number, indexOf: (length: number) => number) => {
      const doc = new Y.Doc();
      doc.clientID = clientId;
      const items = doc.getArray("items");
      doc.transact(() => {
        for (let n = 0; n < itemCount; n++) items.insert(indexOf(n), [Uint8Array.of(n)]);
      });
      return toBase64(Y.encodeStateAsUpdate(doc));
    };
    const [remote, local] = [list(1, (length) => length), list(2, () => 0)];
    const merged = mergeYjsStates(remote, local) ?? "";
    expect(Y.decodeUpdate(fromBase64(merged)).structs).toHaveLength(2 * itemCount);
    expect(mergeYjsStates(merged, remote)).toBe(merged);
    expect(mergeYjsStates(local, merged)).toBe(merged);
  });

  it("with gaps are filled from the other state, and do not count as complete", () => {
    const doc = open(base);
    doc.clientID = 1;
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => updates.push(update));
    for (const word of [" one", " two", " three"]) doc.getText("t").insert(doc.getText("t").length, word);
    const [, , third = new Uint8Array()] = updates;
    const gapped = toBase64(Y.mergeUpdates([fromBase64(base), third]));
    const whole = toBase64(Y.encodeStateAsUpdate(doc));
    expect(mergeYjsStates(gapped, whole)).toBe(whole);
    expect(read(mergeYjsStates(gapped, type(whole, 2, [{ at: 0, text: "R", removed: 0 }])))).toBe(
      "Rhello one two three",
    );
  });

  it("of any bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
        mergeYjsStates(toBase64(a), toBase64(b));
        mergeYjsStates(toBase64(a), remote);
      }),
      { numRuns: 5000 },
    );
  });
});
