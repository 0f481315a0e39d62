import { isUndecided } from "../core/rows.ts";
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
  const operations = [...engine.mirror.outbox.values()];
  const count = (state: string) => operations.filter((operation) => operation.state === state).length;
  const { row, outcomes, heldBack } = engine.mirror;
  const done = count("acked");
  const oldest =
    operations.length === 0 ? undefined : Math.min(...operations.map(({ createdAtMs }) => createdAtMs));
  const undecided = operations.filter(isUndecided).length;
  return {
    engine: ENGINE_STATUS[engine.state],
    role: engine.error?.code === "deposed" ? "follower" : "leader",
    pending: operations.length,
    sending: operations.filter((operation) => operation.state === "sent" && !isUndecided(operation)).length,
    parked: undecided,
    outcomes: [...outcomes.values()].filter(({ acknowledged }) => !acknowledged).length,
    heldBack: heldBack.size,
    pull: { phase: engine.live.phase, done: row.snapshot?.done ?? 0 },
    push: { done, total: operations.length - undecided },
    ...(row.lastSyncAtMs === undefined ? {} : { lastSyncAtMs: row.lastSyncAtMs }),
    ...(engine.nextAttemptAtMs === undefined ? {} : { nextAttemptAtMs: engine.nextAttemptAtMs }),
    ...(oldest === undefined ? {} : { oldestPendingAtMs: oldest }),
    ...(engine.error === undefined ? {} : { error: engine.error }),
  };
}
