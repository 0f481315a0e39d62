import type { StoredEntry } from "@syncline/shared/protocol";
import type { WindowPlan } from "../core/window-plan.ts";
import type { Historic, HistoryKey, WindowState } from "../core/window-state.ts";

/** Reads the state that a window depends on, and commits plans. */
export interface WindowStore {
  /**
   * Reads without locks. If the state changes before {@link commit}, that fails with `SYN_WORKSPACE_MOVED`.
   * @param bytesMax - the limit for the window's documents
   * @throws `SYN_WINDOW_TOO_LARGE` if they exceed it
   */
  read(entries: readonly StoredEntry[], bytesMax?: number): Promise<WindowState>;
  /**
   * Reads documents as they were; `null` if no longer known. No commit changes earlier versions.
   * @throws `SYN_WINDOW_TOO_LARGE` if they exceed `bytesMax`
   */
  readHistory(places: readonly HistoryKey[], bytesMax?: number): Promise<Map<string, Historic>>;
  /** Writes a plan in one transaction. */
  commit(plan: WindowPlan): Promise<void>;
  /** Finds the workspaces of a window that have a row which another transaction holds, without waiting for any. */
  findLocked(entries: readonly StoredEntry[]): Promise<Set<string>>;
  /** Runs the plan and rolls back; throws if Postgres rejects it. */
  dryRun(plan: WindowPlan): Promise<void>;
}
