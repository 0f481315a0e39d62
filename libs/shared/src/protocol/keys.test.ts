import fc from "fast-check";
import { expect, it } from "vitest";
import { idSchema } from "../schemas/operation.ts";
import { deviceDocumentKey, documentKey, operationKey } from "./keys.ts";

const id = fc
  .string({ unit: "binary", minLength: 1, maxLength: 8 })
  .filter((text) => idSchema.safeParse(text).success);
const ids = fc.array(id, { minLength: 3, maxLength: 3 });

it.each([
  ["operations", operationKey],
  ["documents", documentKey],
])("different %s have different keys, wherever one id ends and the next begins", (_what, keyOf) => {
  const keyOfIds = ([a = "", b = "", c = ""]: string[]) => keyOf(a, b, c);
  expect(keyOf("a", "bc", "d")).not.toBe(keyOf("ab", "c", "d"));
  fc.assert(
    fc.property(ids, ids, (one, other) => {
      expect(keyOfIds(one) === keyOfIds(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
  );
});

it("two devices have different keys for one document", () => {
  const document = documentKey("w", "documents", "d");
  expect(deviceDocumentKey("dev_1", document)).not.toBe(deviceDocumentKey("dev_2", document));
  expect(deviceDocumentKey("dev_1", document)).toBe(deviceDocumentKey("dev_1", document));
});
