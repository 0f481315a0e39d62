import type { Draft, News } from "../core/draft.ts";
import type { BatchLimits } from "../core/choose-batch.ts";
import type { PullEvent, PullPhase } from "../core/pull-machine.ts";
import type { RebaseSettings } from "../core/view.ts";
import type { Statistician } from "../core/statistics.ts";
import type { Clock } from "../ports/clock.ts";
import type { Connectivity } from "../ports/connectivity.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { ClientEvents } from "../public/client.ts";
import type { SyncSettings } from "../public/options.ts";
import type { Database } from "./database.ts";
import type { Device } from "./device.ts";
import type { Mirror } from "./mirror.ts";
import type { CallFailure, Requests } from "./requests.ts";
import type { Tokens } from "./tokens.ts";

/** The parts that all workspaces of a client share. */
export interface EngineParts {
  readonly database: Database;
  readonly requests: Requests;
  readonly tokens: Tokens;
  readonly device: Device;
  readonly clock: Clock;
  readonly random: Random;
  readonly connectivity: Connectivity;
  readonly log: Log;
  readonly settings: SyncSettings;
  readonly statistics: Statistician;
  readonly rebase: RebaseSettings;
  readonly emit: <E extends keyof ClientEvents>(event: E, data: ClientEvents[E]) => void;
  /** Tells the news of a commit to those that wait for the end of an operation. */
  readonly tell: (workspace: string, news: readonly News[]) => void;
}

/** The end of a step of an attempt. */
export type StepEnd = { readonly kind: "done" } | { readonly kind: "failed"; readonly failure: CallFailure };

export const DONE: StepEnd = { kind: "done" };

/** One attempt to sync a workspace, as its steps see it. */
export interface Attempt {
  readonly parts: EngineParts;
  readonly workspace: string;
  readonly mirror: Mirror;
  readonly memory: EngineMemory;
  /** True once the engine was paused or stopped, or has given up this attempt: no step begins then. */
  readonly isOver: () => boolean;
  /** Moves the pull machine. */
  readonly movePull: (event: PullEvent) => void;
  readonly pullPhase: () => PullPhase;
  /** Commits as the leader, and tells the news. */
  commit<R>(
    work: (draft: Draft) => R,
    options?: { documents?: Iterable<string>; allOperations?: boolean; durability?: "strict" | "relaxed" },
  ): Promise<R>;
}

/** The facts that an engine does not store: they hold until it is created anew. */
export interface EngineMemory {
  /** Bounds of the next batch; halved when the server cannot take more. */
  limits: BatchLimits;
  /** Answers 500 in a row to a batch, while other requests succeeded. */
  serverFaults: number;
  /** When each pending batch is asked for. */
  readonly asks: Map<string, { attempt: number; atMs: number }>;
  /** Pushing waits until then, unless there is a new token: the role does not suffice. */
  pushBlocked: { readonly untilMs: number; readonly tokenGeneration: number } | null;
  /** Decisions are not sent before that time. */
  decisionsAtMs: number;
  /** The feed is read as soon as possible. */
  isPullDue: boolean;
  /** The newest change that an event has told of. */
  newsSeq: number;
  progressAtMs: number;
}
