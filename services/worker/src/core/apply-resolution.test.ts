import { expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenOperation } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";
import type { ConflictState } from "./window-state.ts";

function drainPut(tables: MemoryTables, device: string, more: Partial<GivenOperation> = {}): void {
  tables.drain(batchEntry({ device, operations: [{ kind: "put", data: {}, ...more }] }));
}

/** A conflict of two devices, the first of which sends an edit of its own older version. */
function collide(): { tables: MemoryTables; conflict: ConflictState } {
  const tables = new MemoryTables();
  drainPut(tables, "d1", { data: { a: 1 } });
  drainPut(tables, "d2", { data: { a: 2 } });
  drainPut(tables, "d1", { data: { a: 3 }, expectedVersion: 1 });
  const [conflict] = tables.conflictById.values();
  if (conflict === undefined) throw new Error("no conflict is there");
  return { tables, conflict };
}

it("keeps the losing side in the record", () => {
  const { tables, conflict } = collide();
  const plan = tables.drain(resolveConflict(tables, conflict, { isLastRound: false }));
  expect(plan.conflicts).toMatchObject([
    { status: "resolved", result: { a: 3 }, overlapList: [{ path: "/a", remote: 2, local: 3 }] },
  ]);
});

it("enqueues the next round once, however often the last one was republished", () => {
  const { tables, conflict } = collide();
  const stale = resolveConflict(tables, conflict, { isLastRound: false });
  drainPut(tables, "d2");
  expect(tables.drain(stale).rounds).toMatchObject([{ round: 2 }]);
  expect(tables.drain(stale)).toMatchObject({ rounds: [], workspaces: [] });
});
