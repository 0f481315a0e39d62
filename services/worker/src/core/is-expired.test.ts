import { expect, it } from "vitest";
import { isExpired } from "./is-expired.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW_MS = Date.UTC(2026, 10, 21);
const madeAt = (ms: number) => {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8abc-0123456789ab`;
};

it.each([
  ["a UUIDv7 older than the ledger's retention", madeAt(NOW_MS - 181 * DAY_MS), true],
  ["a younger one", madeAt(NOW_MS - 179 * DAY_MS), false],
  ["one from the future", madeAt(NOW_MS + DAY_MS), false],
  ["a UUID of another version", madeAt(0).replace("-7", "-4"), false],
  ["an id that is no UUID", "op_1", false],
])("%s: expired is %s", (_what, id, expected) => {
  expect(isExpired(id, NOW_MS, { retentionMs: 180 * DAY_MS, droppedToMs: null })).toBe(expected);
  expect(isExpired(id, NOW_MS, { droppedToMs: null })).toBe(false);
});

it.each([
  ["the youngest UUIDv7 that was dropped", madeAt(NOW_MS - 31 * DAY_MS), true],
  ["an older one", madeAt(NOW_MS - 32 * DAY_MS), true],
  ["the next one", madeAt(NOW_MS - 31 * DAY_MS + 1), false],
  ["an id that is no UUID", "op_1", false],
])("whatever the current retention, %s: expired is %s", (_what, id, expected) => {
  const droppedToMs = NOW_MS - 31 * DAY_MS;
  expect(isExpired(id, NOW_MS, { retentionMs: 180 * DAY_MS, droppedToMs })).toBe(expected);
  expect(isExpired(id, NOW_MS, { droppedToMs })).toBe(expected);
});
