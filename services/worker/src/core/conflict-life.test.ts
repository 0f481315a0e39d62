import {
  CONFLICT_EVENTS,
  CONFLICT_LIFE,
  CONFLICT_STATUSES,
  type ConflictEvent,
  type ConflictReaction,
  type ConflictStatus,
  type LaneEntry,
  type Resolution,
  type StoredEntry,
} from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { decide, recordOf } from "../testing/decide.ts";
import { batchEntry, MemoryTables, type PlainPlan } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";
import { ConflictsDraft } from "./conflicts-draft.ts";
import { UndoLog } from "./undo-log.ts";

const EVENTS = Object.keys(CONFLICT_EVENTS) as ConflictEvent[];
const PAIRS = (["none", ...CONFLICT_STATUSES] as const).flatMap((status) =>
  EVENTS.map((event) => ({ status, event, reaction: CONFLICT_LIFE[status][event] })),
);
const isStatus = (reaction: ConflictReaction): reaction is ConflictStatus =>
  CONFLICT_STATUSES.some((status) => status === reaction);

/** A conflict of a status, and what its device sent before it could know of it. */
interface Scene {
  tables: MemoryTables;
  conflictId: string;
  late: StoredEntry;
}

const edit = (value: number, clientId: string) =>
  ({ kind: "put", data: { value }, expectedVersion: 1, clientId }) as const;
/** The edits of `d2` that begin a conflict, by the event with which it begins. */
const BEGINNINGS = {
  opened: batchEntry({ device: "d2", operations: [edit(3, "mine")] }),
  reported: batchEntry({ device: "d2", onConflict: "report", operations: [edit(3, "mine")] }),
  merged_at_once: batchEntry({
    device: "d2",
    atomic: true,
    onConflict: "merge",
    operations: [edit(3, "mine"), { kind: "put", documentId: "other", data: {}, clientId: "too" }],
  }),
};

/** Two devices changed one document; the conflict of the second is written because of an event. */
function begin(event: keyof typeof BEGINNINGS): Scene {
  const tables = new MemoryTables();
  for (const value of [1, 2]) {
    tables.drain(batchEntry({ device: "d1", operations: [{ kind: "put", data: { value } }] }));
  }
  const late = tables.accept(batchEntry({ device: "d2", operations: [edit(4, "late")] }));
  const plan = tables.drain(BEGINNINGS[event]);
  return { tables, conflictId: plan.conflicts[0]?.conflictId ?? "", late };
}

const SCENES: Record<ConflictStatus, (event: ConflictEvent) => Scene> = {
  open: () => begin("opened"),
  reported: () => begin("reported"),
  parked: () => after("parked", begin("opened")),
  // Only a reported conflict that a person has resolved is joined: behind others, the device's operations do not wait.
  resolved: (event) =>
    event === "joined" ? after("decided", begin("reported")) : after("merged", begin("opened")),
};

function after(event: ConflictEvent, scene: Scene): Scene {
  scene.tables.drain(entryOf(event, scene));
  return scene;
}

/** The entry of a lane with which an event reaches the worker. */
function entryOf(event: ConflictEvent, { tables, conflictId, late }: Scene): LaneEntry | StoredEntry {
  const resolution = (of: (resolved: Resolution) => Partial<Resolution>): LaneEntry => {
    const entry = resolveConflict(tables, recordOf(tables, conflictId), { isLastRound: false });
    return { ...entry, resolution: { ...entry.resolution, ...of(entry.resolution) } };
  };
  switch (event) {
    case "joined":
      return late;
    case "moved":
      return resolution(({ expectedVersion }) => ({ expectedVersion: expectedVersion - 1 }));
    case "merged":
      return resolution(() => ({}));
    case "parked":
      return resolution(() => ({ outcome: { kind: "park", reason: "asked", proposed: null, overlaps: [] } }));
    case "decided":
      return decide(tables, conflictId, { value: 5 });
    case "opened":
    case "reported":
    case "merged_at_once":
      return BEGINNINGS[event];
    default:
      return event satisfies never;
  }
}

/** Lets an event happen to a conflict of a status, or to one whose record is gone. */
function happen(
  status: ConflictStatus | "none",
  event: ConflictEvent,
): { plan: PlainPlan; conflictId: string } {
  const scene = status === "none" ? begin("opened") : SCENES[status](event);
  const entry = entryOf(event, scene);
  if (status === "none") scene.tables.conflictById.delete(scene.conflictId);
  return { plan: scene.tables.drain(entry), conflictId: scene.conflictId };
}

describe("a conflict", () => {
  it.each(["opened", "reported", "merged_at_once"] as const)("begins when it is %s", (event) => {
    const { tables, conflictId } = begin(event);
    expect(recordOf(tables, conflictId).status).toBe(CONFLICT_LIFE.none[event]);
  });

  it.each(PAIRS.filter(({ status, reaction }) => status !== "none" && isStatus(reaction)))(
    "that is $status and $event becomes $reaction",
    ({ status, event, reaction }) => {
      const { plan, conflictId } = happen(status, event);
      const written = plan.conflicts.filter((conflict) => conflict.conflictId === conflictId);
      expect(written.map((conflict) => conflict.status)).toEqual([reaction]);
    },
  );

  it.each(PAIRS.filter(({ reaction }) => reaction === "ignored"))(
    "that is $status is not changed when it is $event",
    ({ status, event }) => {
      expect(happen(status, event).plan).toMatchObject({ workspaces: [], conflicts: [], ledgerRows: [] });
    },
  );

  it.each(PAIRS.filter(({ reaction }) => reaction === "refused"))(
    "that is $status refuses to be $event",
    ({ status, event }) => {
      const { plan } = happen(status, event);
      expect(plan.batches[0]?.results).toMatchObject([{ error_type: "decision_outdated" }]);
      expect(plan.conflicts).toEqual([]);
    },
  );

  it.each(PAIRS.filter(({ reaction }) => !isStatus(reaction)))(
    "that is $status has no write because it was $event",
    ({ status, event }) => {
      const { tables, conflictId } = begin("opened");
      const record = recordOf(tables, conflictId);
      const known = status === "none" ? [] : [{ ...record, status }];
      const draft = new ConflictsDraft({ conflicts: known, runByConflictId: new Map() }, new UndoLog());
      expect(() => draft.update(event, record)).toThrow(
        `a conflict that is ${status} was written because of`,
      );
    },
  );
});
