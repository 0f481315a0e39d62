import type { Pool } from "@syncline/store";
import type { WindowPlan } from "../core/window-plan.ts";
import { findLocked } from "./find-locked.ts";
import { sendPipelined } from "./send-pipelined.ts";
import { readHistory } from "./read-history.ts";
import { readWindow } from "./read-window.ts";
import type { WindowStore } from "./window-store.ts";
import { statementsOf } from "./write-plan.ts";

export function createPgStore(pool: Pool, epoch: string): WindowStore {
  const write = async (plan: WindowPlan, end: "COMMIT" | "ROLLBACK"): Promise<void> => {
    if (plan.workspaces.length > 0) await sendPipelined(pool, statementsOf(plan, end));
  };
  return {
    read: async (entries, bytesMax) => ({ epoch, ...(await readWindow(pool, entries, bytesMax)) }),
    readHistory: (places, bytesMax) => readHistory(pool, places, bytesMax),
    findLocked: (entries) => findLocked(pool, entries),
    commit: (plan) => write(plan, "COMMIT"),
    dryRun: (plan) => write(plan, "ROLLBACK"),
  };
}
