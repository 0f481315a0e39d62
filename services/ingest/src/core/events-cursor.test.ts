import { expect, it } from "vitest";
import { readEventsId, writeEventsId } from "./events-cursor.ts";

const cursors = [
  { seq: 4, conflict: { revision: 7, conflictId: null } },
  { seq: 0, conflict: { revision: 2, conflictId: "01a1fbb6-2d47-72aa-a827-38db4ca537dd" } },
];

const list = { digest: "a1b2", count: 2 };

it("reads the positions that it wrote", () => {
  expect(readEventsId(list, writeEventsId(list, cursors))).toEqual(cursors);
});

it("takes no positions of another list, or of a broken id", () => {
  const id = writeEventsId(list, cursors);
  expect(readEventsId({ ...list, digest: "c3d4" }, id)).toBeUndefined();
  expect(readEventsId({ ...list, count: 3 }, id)).toBeUndefined();
  expect(readEventsId(list, id.replace(",0:", ",x:"))).toBeUndefined();
  expect(readEventsId(list, id.slice(0, id.lastIndexOf(",")))).toBeUndefined();
  expect(readEventsId(list, "47:31")).toBeUndefined();
});
