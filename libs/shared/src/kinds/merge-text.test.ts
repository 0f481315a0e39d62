import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeDocument, type DeleteVsEdit, type Overlap, type Side } from "../operations/merge-document.ts";

interface Settings {
  readonly prefer?: Side;
  readonly deleteVsEdit?: DeleteVsEdit;
}

function merge([ancestor, remote, local]: readonly [string, string, string], settings: Settings = {}) {
  const { document, overlaps, undecided } = mergeDocument(
    { ancestor: { note: ancestor }, remote: { note: remote }, local: { note: local } },
    { ...settings, rules: [{ path: "/note", is: "text" }] },
  );
  return { text: document?.["note"] as string, overlaps, undecided };
}

/** Words that occur once each, so that the fate of each can be checked. */
const words = fc.nat(8).map((count) => Array.from({ length: count }, (_, n) => `word${n}`));

/** Inserts words at some places and removes others, without rewrites. */
const edit = fc.record({
  inserted: fc.array(fc.nat(9), { maxLength: 3 }),
  removed: fc.uniqueArray(fc.nat(8), { maxLength: 2 }),
});

function write(words: readonly string[], edit: { inserted: number[]; removed: number[] }, prefix: string) {
  const pieces = words.flatMap((word, index) => [
    ...edit.inserted.flatMap((at, n) => (at === index ? [`${prefix}${n}`] : [])),
    ...(edit.removed.includes(index) ? [] : [word]),
  ]);
  return [...pieces, ...edit.inserted.flatMap((at, n) => (at >= words.length ? [`${prefix}${n}`] : []))];
}

const anyText = fc
  .array(fc.constantFrom("a", "b", "c", " ", "\n", ". "), { maxLength: 14 })
  .map((parts) => parts.join(""));

const settings: fc.Arbitrary<Settings> = fc.record({
  prefer: fc.constantFrom("local", "remote"),
  deleteVsEdit: fc.constantFrom("edit-wins", "local-wins", "delete-wins", "park"),
});

describe("a text", () => {
  interface Case {
    readonly name: string;
    readonly texts: readonly [string, string, string];
    readonly settings?: Settings;
    readonly text: string;
    readonly overlaps?: readonly Partial<Overlap>[];
  }
  it.each<Case>([
    {
      name: "keeps edits of different words in one line",
      texts: ["the quick brown fox", "the slow brown fox", "the quick brown dog"],
      text: "the slow brown dog",
    },
    {
      name: "keeps edits of neighbouring words",
      texts: ["red apple", "green apple", "red pear"],
      text: "green pear",
    },
    {
      name: "keeps edits of different lines",
      texts: ["a\nb\nc\n", "a\nb\nc\nd\n", "A\nb\nc\n"],
      text: "A\nb\nc\nd\n",
    },
    {
      name: "keeps the inserts of both sides at one place, remote's first",
      texts: ["Milk.", "Milk. Eggs.", "Milk. Bread."],
      text: "Milk. Eggs. Bread.",
    },
    {
      name: "has words once that both wrote alike, and one continued",
      texts: ["Milk.", "Milk. Eggs.", "Milk. Eggs. Bread."],
      text: "Milk. Eggs. Bread.",
    },
    {
      name: "has words once that both wrote, and one continued typing",
      texts: ["Call Anna.", "Call Anna. Bring milk.", "Call Anna. Bring milk and eggs."],
      text: "Call Anna. Bring milk and eggs.",
    },
    ...[
      ["Cost: 10,00 EUR", "Cost: 12,00 EUR", "Cost: 10,50 EUR"],
      ["at 10:30", "at 11:30", "at 10:45"],
      ["on 2026-11-30", "on 2026-12-30", "on 2026-11-29"],
      ["use 1.2.3", "use 2.2.3", "use 1.2.4"],
      ["room 4/12", "room 5/12", "room 4/13"],
      ["at -5 degrees", "at +5 degrees", "at -6 degrees"],
    ].map(([ancestor = "", remote = "", local = ""]) => ({
      name: `makes no third value of two: ${local}`,
      texts: [ancestor, remote, local] as const,
      text: local,
      overlaps: [{ scope: "words", chosen: "local" } as const],
    })),
    {
      name: "separates the inserts of both sides at one place",
      texts: ["", "Eggs", "Bread"],
      text: "Eggs Bread",
    },
    {
      name: "is chosen by words if both rewrote the same ones, and keeps the rest",
      texts: ["meet at noon in the hall", "meet at nine in the hall", "please meet at ten in the park"],
      text: "please meet at ten in the park",
      overlaps: [
        { path: "/note", scope: "words", ancestor: "noon", remote: "nine", local: "ten", chosen: "local" },
      ],
    },
    {
      name: "takes remote's words if remote is preferred, and keeps the rest of local's",
      texts: ["meet at noon in the hall", "meet at nine in the hall", "please meet at ten in the park"],
      settings: { prefer: "remote" },
      text: "please meet at nine in the park",
      overlaps: [
        { path: "/note", scope: "words", ancestor: "noon", remote: "nine", local: "ten", chosen: "remote" },
      ],
    },
    {
      name: "keeps a passage that one side edited and the other removed",
      texts: ["Keep. Take the old road. End.", "Keep. End.", "Keep. Take the new road. End."],
      text: "Keep. Take the new road. End.",
      overlaps: [{ path: "/note", scope: "words", chosen: "local" }],
    },
    {
      name: "leaves a removed passage out if deletions win",
      texts: ["Keep. Take the old road. End.", "Keep. End.", "Keep. Take the new road. End."],
      settings: { deleteVsEdit: "delete-wins" },
      text: "Keep. End.",
      overlaps: [{ path: "/note", scope: "words", chosen: "remote" }],
    },
    {
      name: "loses the words that either side removed if the removals overlap",
      texts: ["one two three four five", "one four five", "one two five"],
      text: "one five",
    },
    {
      name: "may be written in a script without spaces",
      texts: ["今日は雨です", "明日は雨です", "今日は雪です"],
      text: "明日は雪です",
    },
  ])("$name", ({ texts, settings, text, overlaps = [] }) => {
    const merged = merge(texts, settings);
    expect(merged.text).toBe(text);
    expect(merged.overlaps).toMatchObject(overlaps);
    expect(merged.overlaps).toHaveLength(overlaps.length);
  });

  it("that one side edited and the other removed words of is left to a person under that policy", () => {
    const merged = merge(["a b c", "a c", "a B c"], { deleteVsEdit: "park" });
    expect(merged).toMatchObject({ text: "a B c", undecided: true, overlaps: [{ undecided: true }] });
  });

  it("loses no word that only one side wrote, and restores none that a side removed and the other left alone", () => {
    fc.assert(
      fc.property(words, edit, edit, settings, (words, remoteEdit, localEdit, settings) => {
        const remote = write(words, remoteEdit, "r");
        const local = write(words, localEdit, "l");
        const merged = merge([words.join(" "), remote.join(" "), local.join(" ")], settings);
        const cut = merged.overlaps.flatMap(({ ancestor, remote, local }) => [ancestor, remote, local]);
        const isCut = (word: string) => cut.some((text) => typeof text === "string" && text.includes(word));
        for (const word of [...remote, ...local]) {
          const stays = words.includes(word) ? remote.includes(word) && local.includes(word) : true;
          if (!isCut(word)) expect(merged.text.includes(word)).toBe(stays);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("has the chosen words of every overlap", () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, settings, (ancestor, remote, local, settings) => {
        const merged = merge([ancestor, remote, local], settings);
        for (const overlap of merged.overlaps) {
          expect(merged.text).toContain(overlap[overlap.chosen]);
          expect(overlap.remote).not.toBe(overlap.local);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("has every number as one of the sides wrote it", () => {
    const digits = fc.stringMatching(/^[1-9]{1,2}$/);
    const joiner = fc.constantFrom(".", ",", ":", "-", "/");
    const number = fc
      .tuple(fc.constantFrom("", "-", "+"), fc.array(digits, { minLength: 1, maxLength: 3 }), joiner)
      .map(([sign, parts, joiner]) => sign + parts.join(joiner));
    const line = fc
      .array(number, { minLength: 2, maxLength: 2 })
      .map((numbers) => `from ${numbers.join(" to ")}`);
    fc.assert(
      fc.property(line, line, line, settings, (ancestor, remote, local, settings) => {
        const written = new Set([ancestor, remote, local].flatMap((text) => text.split(" ")));
        for (const word of merge([ancestor, remote, local], settings).text.split(" ")) {
          expect(written).toContain(word);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("is the same if the sides are swapped, as long as there is no overlap and no two inserts meet", () => {
    fc.assert(
      fc.property(words, edit, edit, (words, first, second) => {
        const placeOf = (at: number) => Math.min(at, words.length);
        const taken = first.inserted.map(placeOf);
        const apart = second.inserted.filter((at) => !taken.includes(placeOf(at)));
        const a = write(words, first, "a").join(" ");
        const b = write(words, { ...second, inserted: apart }, "b").join(" ");
        const one = merge([words.join(" "), a, b]);
        const other = merge([words.join(" "), b, a]);
        fc.pre(one.overlaps.length === 0 && first.removed.length + second.removed.length === 0);
        expect(one.text).toBe(other.text);
      }),
    );
  });

  it("merged again with either side stays as it is, if neither side rewrote words", () => {
    const pure = fc.oneof(
      edit.map(({ inserted }) => ({ inserted, removed: [] })),
      edit.map(({ removed }) => ({ inserted: [], removed })),
    );
    fc.assert(
      fc.property(words, pure, pure, (words, remoteEdit, localEdit) => {
        const ancestor = words.join(" ");
        const remote = write(words, remoteEdit, "r").join(" ");
        const local = write(words, localEdit, "l").join(" ");
        const { text, overlaps } = merge([ancestor, remote, local]);
        fc.pre(overlaps.length === 0);
        expect(merge([ancestor, remote, text]).text).toBe(text);
        expect(merge([ancestor, text, local]).text).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it("that is new on both sides, or of unknown past, is an ordinary value", () => {
    const rules = [{ path: "/note", is: "text" }] as const;
    for (const ancestor of [{}, null]) {
      const merged = mergeDocument({ ancestor, remote: { note: "a b" }, local: { note: "a c" } }, { rules });
      expect(merged).toMatchObject({ document: { note: "a c" }, overlaps: [{ path: "/note" }] });
    }
  });
});
