import { describe, expect, it } from "vitest";
import { readEventId, writeEventId } from "./event-cursor.ts";

const CONFLICT_ID = "01a1fbb6-2d47-72aa-a827-38db4ca537dd";

describe("the id of an event", () => {
  it.each([
    ["47:12", { seq: 47, conflict: { revision: 12, conflictId: null } }],
    [`0:3:${CONFLICT_ID}`, { seq: 0, conflict: { revision: 3, conflictId: CONFLICT_ID } }],
  ])("%s is a position in the changes and one in the conflicts", (id, place) => {
    expect(writeEventId(place)).toBe(id);
    expect(readEventId(id)).toEqual(place);
  });

  it("may be only a seq, without a position in the conflicts", () => {
    expect(readEventId("47")).toEqual({ seq: 47, conflict: undefined });
  });

  it.each([
    "",
    "x",
    "-1",
    "1.5",
    "47:",
    ":1",
    "47:x",
    "47:12:",
    "47:12:x",
    "047",
    "47:012",
    " 47",
    "47\n",
    "47, 48",
    `47:${CONFLICT_ID}`,
    "1".repeat(16),
  ])("is not %j", (id) => {
    expect(readEventId(id)).toBeUndefined();
  });
});
