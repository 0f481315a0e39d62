import { policyOf, type CollectionPolicy, type ResolveCase } from "@syncline/shared/merge";
import { documentKey, type StoredEntry, type WorkspaceId } from "@syncline/shared/protocol";
import {
  plainPolicy,
  runTask,
  type HookReport,
  type MergeStep,
  type RecordedCase,
  type RecordedConflict,
} from "@syncline/conflict/core";
import { historyOfConflict, type PlainPlan } from "@syncline/worker/testing";
import type { Clock } from "../../ports/index.ts";
import type { ServerState } from "./server-state.ts";

/** The rounds after which a merge is made inside the drain. */
const ROUNDS_MAX = 5;

interface LanesOptions {
  state: ServerState;
  clock: Clock;
  /** The delay of the next drain, in milliseconds. Without delay a batch is drained before it is answered. */
  drainDelayMs: () => number;
  /** The delay of the next round of a merge, in milliseconds. */
  mergeDelayMs: () => number;
  /** Called after each commit to a workspace. */
  onCommit: (workspaceId: WorkspaceId) => void;
  onFailure: (error: unknown) => void;
}

type RoundOf = Pick<PlainPlan["rounds"][number], "workspaceId" | "conflictId" | "round">;

/** Drains the entries of each workspace in order, and runs the rounds of its conflicts. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #entriesByWorkspace = new Map<string, StoredEntry[]>();
  readonly #scheduled = new Set<string>();
  #rounds = 0;
  /** Grows with each restore: work of a history that is gone is dropped. */
  #generation = 0;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Appends an entry, and drains the lane after its delay. */
  append(workspaceId: WorkspaceId, entry: StoredEntry["entry"]): void {
    const entries = this.#entriesByWorkspace.get(workspaceId) ?? [];
    this.#entriesByWorkspace.set(workspaceId, entries);
    entries.push(this.#options.state.accept(entry));
    if (this.#scheduled.has(workspaceId)) return;
    this.#scheduled.add(workspaceId);
    this.#later(this.#options.drainDelayMs(), () => {
      this.#scheduled.delete(workspaceId);
      this.#drain(workspaceId);
    });
  }

  /** True if no entry waits, and no merge is under way. */
  get isIdle(): boolean {
    return this.#scheduled.size === 0 && this.#rounds === 0;
  }

  /** The batches that were accepted and are not drained. */
  entriesOf(workspaceId: WorkspaceId): readonly StoredEntry[] {
    return this.#entriesByWorkspace.get(workspaceId) ?? [];
  }

  /** Drops all entries and rounds, as the restore of a backup does. */
  drop(): void {
    this.#generation += 1;
    this.#entriesByWorkspace.clear();
    this.#scheduled.clear();
    this.#rounds = 0;
  }

  /** Starts the next round of each open conflict, as the conflict service's sweep does. */
  resume(): void {
    for (const record of this.#options.state.tables.conflictById.values()) {
      if (record.status === "open") this.#startRound(record);
    }
  }

  #drain(workspaceId: WorkspaceId): void {
    const { state, clock, onCommit } = this.#options;
    const entries = this.entriesOf(workspaceId);
    this.#entriesByWorkspace.delete(workspaceId);
    const plan = state.drain(entries, clock.nowMs());
    for (const round of plan.rounds) this.#startRound(round);
    onCommit(workspaceId);
  }

  #startRound(round: RoundOf): void {
    this.#rounds += 1;
    const generation = this.#generation;
    this.#later(this.#options.mergeDelayMs(), () => {
      this.#merge(round)
        .catch(this.#options.onFailure)
        .finally(() => {
          if (generation === this.#generation) this.#rounds -= 1;
        });
    });
  }

  async #merge({ workspaceId, conflictId, round }: RoundOf): Promise<void> {
    const on = recordedCase(this.#options.state, conflictId);
    if (on === undefined || on.conflict.status !== "open" || on.conflict.round !== round) return;
    const generation = this.#generation;
    const policy = policyOf(this.#options.state.tables.policies, on.conflict.collection);
    const reports: HookReport[] = [];
    for (;;) {
      const task = { kind: "merge", on, roundsMax: ROUNDS_MAX, policy: plainPolicy(policy) } as const;
      const step = runTask({ ...task, hasHook: policy.resolve !== undefined, reports }) as MergeStep;
      if (generation !== this.#generation) return;
      if (step.kind === "merged") {
        this.append(workspaceId, { kind: "resolution", resolution: step.resolution, trace: {} });
        return;
      }
      reports.push(await callHook(policy, step.asked));
    }
  }

  #later(delayMs: number, call: () => void): void {
    const generation = this.#generation;
    const guarded = () => {
      if (generation !== this.#generation) return;
      try {
        call();
      } catch (error) {
        this.#options.onFailure(error);
      }
    };
    if (delayMs === 0) guarded();
    else this.#options.clock.setTimer(delayMs, guarded);
  }
}

async function callHook(policy: CollectionPolicy, asked: ResolveCase): Promise<HookReport> {
  try {
    return { kind: "answered", answer: await policy.resolve?.(asked) };
  } catch {
    return { kind: "failed" };
  }
}

/** A conflict with its documents, as the conflict service reads it. */
export function recordedCase(state: ServerState, conflictId: string): RecordedCase | undefined {
  const { tables } = state;
  const record = tables.conflictById.get(conflictId);
  if (record === undefined) return undefined;
  const operations = (tables.runByConflictId.get(conflictId) ?? []).map(({ operation }) => operation);
  const conflict: RecordedConflict = {
    ...record,
    ancestor: record.ancestor ?? null,
    deviceView: record.deviceView ?? null,
    ancestorView: record.ancestorView ?? null,
    remoteView: record.remoteView ?? null,
    localView: record.localView ?? null,
    overlapList: record.overlapList ?? null,
    viewsKept: true,
    operations,
  };
  const { workspaceId, collection, documentId, status } = record;
  const document = tables.documentByKey.get(documentKey(workspaceId, collection, documentId));
  const remote = {
    version: document?.version ?? 0,
    data: document?.data ?? null,
    timestampMs: document?.clientTimestampMs ?? null,
  };
  const whole = historyOfConflict(tables, record, operations);
  const history = status === "resolved" ? { ...whole, changes: [], lastOwnVersion: 0 } : whole;
  return { conflict, remote, history };
}
