import { expect, it } from "vitest";
import { BytesUnderWay } from "./bytes-under-way.ts";

it("takes what fits beside the others, and one that is alone whatever it is", () => {
  const all = new BytesUnderWay(100);
  const [large, small] = [all.add(), all.add()];
  expect(large.count(500)).toBe(true);
  expect(small.count(1)).toBe(false);
  expect(large.count(99)).toBe(true);
  expect(small.count(1)).toBe(true);
  expect(large.count(100)).toBe(false);
});

it("counts nothing twice, and nothing of a body that is gone", () => {
  const all = new BytesUnderWay(100);
  const [body, other] = [all.add(), all.add()];
  body.count(10);
  body.count(30);
  expect(other.count(70)).toBe(true);
  body.release();
  body.release();
  expect(body.count(1)).toBe(false);
  const third = all.add();
  expect(third.count(31)).toBe(false);
  expect(third.count(30)).toBe(true);
});
