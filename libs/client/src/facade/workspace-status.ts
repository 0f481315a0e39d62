import { isUndecided, type Operation } from "../core/rows.ts";
import type { EngineStatus, WorkspaceStatus } from "../public/status.ts";
import type { WorkspaceEngine } from "../engine/workspace-engine.ts";

const ENGINE_STATUS = {
  stopped: "idle",
  opening: "idle",
  idle: "idle",
  syncing: "syncing",
  offline: "offline",
  failed: "failed",
  paused: "paused",
  signedOut: "signedOut",
} as const satisfies Record<WorkspaceEngine["state"], EngineStatus>;

/** Sums up an engine for the app. */
export function statusOf(engine: WorkspaceEngine): WorkspaceStatus {
  const { row, outbox, outcomes, heldBack } = engine.mirror;
  const { sending, parked, done, oldestAtMs } = countOperations(outbox.values());
  return {
    engine: ENGINE_STATUS[engine.state],
    role: engine.error?.code === "deposed" ? "follower" : "leader",
    pending: outbox.size,
    sending,
    parked,
    outcomes: [...outcomes.values()].filter(({ acknowledged }) => !acknowledged).length,
    heldBack: heldBack.size,
    pull: {
      phase: engine.live.phase,
      done: row.snapshot?.done ?? 0,
      ...(row.snapshot?.total === undefined ? {} : { total: row.snapshot.total }),
    },
    push: { done, total: outbox.size - parked },
    ...(row.lastSyncAtMs === undefined ? {} : { lastSyncAtMs: row.lastSyncAtMs }),
    ...(engine.nextAttemptAtMs === undefined ? {} : { nextAttemptAtMs: engine.nextAttemptAtMs }),
    ...(outbox.size === 0 ? {} : { oldestPendingAtMs: oldestAtMs }),
    ...(engine.error === undefined ? {} : { error: engine.error }),
  };
}

/** Counts in one pass: the queue may be long. */
function countOperations(operations: Iterable<Operation>) {
  const counts = { sending: 0, parked: 0, done: 0, oldestAtMs: Infinity };
  for (const operation of operations) {
    if (isUndecided(operation)) counts.parked += 1;
    else if (operation.state === "sent") counts.sending += 1;
    else if (operation.state === "acked") counts.done += 1;
    counts.oldestAtMs = Math.min(counts.oldestAtMs, operation.createdAtMs);
  }
  return counts;
}
