import { describe, expect, it } from "vitest";
import { readRelease } from "./features.ts";
import { buildMergePatch, diffFields, fieldsTouch } from "./field-writes.ts";
import { isJsonObject, type Json } from "./json.ts";

/** RFC 7396, section 2, literally. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const result = isJsonObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

describe("diffFields", () => {
  it("takes an array as one field and enters objects", () => {
    const writes = diffFields({ a: { b: 1, c: [1, 2], d: 0 } }, { a: { b: 2, c: [1], e: { f: 1 } } });
    expect(writes).toEqual([
      { keys: ["a", "b"], value: 2 },
      { keys: ["a", "c"], value: [1] },
      { keys: ["a", "d"], value: undefined },
      { keys: ["a", "e"], value: { f: 1 } },
    ]);
  });

  it("gives merge patches that turn every changed feature of the older release into the newer one's", async () => {
    const older = await readRelease("mdn-data-older");
    const newer = await readRelease("mdn-data-newer");
    let changed = 0;
    for (const [path, before] of older.features) {
      const after = newer.features.get(path);
      if (after === undefined) continue;
      const writes = diffFields(before, after);
      changed += writes.length > 0 ? 1 : 0;
      expect(mergePatch(before, buildMergePatch(writes)), path).toEqual(after);
    }
    expect(changed).toBeGreaterThan(300);
  });
});

describe("fieldsTouch", () => {
  it("finds an overlap for the same field and for one inside the other only", () => {
    const at = (...keys: string[]) => ({ keys, value: 1 });
    expect(fieldsTouch(at("a", "b"), at("a", "b"))).toBe(true);
    expect(fieldsTouch(at("a"), at("a", "b"))).toBe(true);
    expect(fieldsTouch(at("a", "c"), at("a", "b"))).toBe(false);
  });
});
