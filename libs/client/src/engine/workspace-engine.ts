import { chooseBatch } from "../core/choose-batch.ts";
import type { Draft } from "../core/draft.ts";
import { ENGINE_MACHINE, type EngineEvent, type EngineState } from "../core/engine-machine.ts";
import { next } from "../core/machine.ts";
import { windowEndMs, type Window } from "../core/pace.ts";
import { backOffMs, toldMs } from "../core/retry.ts";
import { ANSWER_TABLE } from "../core/answer-table.ts";
import type { WorkspaceRow } from "../core/rows.ts";
import { SynclineClientError } from "../public/errors.ts";
import type { SyncError } from "../public/status.ts";
import { askParked } from "./ask-parked.ts";
import { commitDraft } from "./commit-draft.ts";
import { DONE, type Attempt, type EngineMemory, type EngineParts, type StepEnd } from "./engine-context.ts";
import { errorOf } from "./error-of.ts";
import { Live } from "./live.ts";
import { loseAccess } from "./lose-access.ts";
import { Mirror } from "./mirror.ts";
import { pullFeed } from "./pull.ts";
import { reactionTo } from "./react-to-push.ts";
import { askPending, pushAll } from "./push.ts";
import type { CallFailure } from "./requests.ts";
import { sendDecisions } from "./send-decisions.ts";

/** After an answer that the client cannot have caused, or lost access, it tries again after that time. */
const PROTOCOL_RETRY_MS = 5 * 60_000;
const WATCHDOG_MS = 30_000;
/** An attempt that makes no request and no progress for that long is stuck. */
const STUCK_MS = 25_000;

/**
 * Syncs one workspace. Each event only changes the state and then calls `#evaluate`, which begins an attempt when one
 * is due, and otherwise sets one timer.
 */
export class WorkspaceEngine {
  readonly #parts: EngineParts;
  readonly workspace: string;
  readonly mirror: Mirror;
  readonly live: Live;
  readonly #memory: EngineMemory;
  readonly #waiters: (() => void)[] = [];
  state: EngineState = "stopped";
  error: SyncError | undefined;
  onChange: () => void = () => {};
  #window: Window | undefined;
  /** An attempt is made whatever waits are stored and whatever the device believes (R17). */
  #isForced = false;
  #isSignedIn = false;
  #ended: Promise<void> = Promise.resolve();
  /** The number of the attempt under way; `0`: none. */
  #running = 0;
  #attempts = 0;
  #pulledAtMs = 0;
  #cancelTimer: () => void = () => {};
  #timerAtMs = Infinity;
  #cancelWatchdog: () => void = () => {};
  #unsubscribe: (() => void)[] = [];

  constructor(parts: EngineParts, workspace: string) {
    this.#parts = parts;
    this.workspace = workspace;
    this.mirror = new Mirror(workspace);
    const { batchOperationsMax: operationsMax, batchBytesMax: bytesMax } = parts.settings;
    this.#memory = {
      limits: { operationsMax, bytesMax },
      serverFaults: 0,
      asks: new Map(),
      pushBlocked: null,
      decisionsAtMs: 0,
      isPullDue: true,
      newsSeq: 0,
      progressAtMs: parts.clock.nowMs(),
    };
    this.live = new Live(parts, {
      attempt: () => this.#attempt(0),
      onNews: (seq) => {
        if (seq === undefined) this.#memory.isPullDue = true;
        else this.#memory.newsSeq = seq;
        this.#evaluate();
      },
      onPhase: () => {
        this.onChange();
      },
      onFailure: (failure) => {
        // An attempt under way finds out by itself.
        if (this.#running !== 0) return;
        void this.#endLive(failure);
      },
    });
  }

  /** Reads its rows. Sends only if the account is signed in. */
  async open(isSignedIn: boolean): Promise<void> {
    this.#isSignedIn = isSignedIn;
    this.#move("open");
    await this.mirror.load(this.#parts.database);
    this.#unsubscribe = [
      this.#parts.database.subscribe((committed) => {
        if (!this.mirror.take(committed)) return;
        this.#parts.statistics.queueMax = Math.max(this.#parts.statistics.queueMax, this.mirror.outbox.size);
        this.onChange();
      }),
      this.#parts.connectivity.subscribe(() => {
        this.#onConnectivity();
      }),
    ];
    if (!isSignedIn) this.#move("unauthorized");
    else this.#move(this.mirror.row.paused ? "pause" : "opened");
    if (isSignedIn) this.#watch();
    this.#evaluate();
  }

  /** A write was stored: it is sent when its window ends. */
  noteWrite(operations: number, isUrgent: boolean): void {
    const now = this.#parts.clock.nowMs();
    const before = this.#window;
    this.#window = {
      firstAtMs: before?.firstAtMs ?? now,
      lastAtMs: now,
      operations: (before?.operations ?? 0) + operations,
      isUrgent: isUrgent || before?.isUrgent === true,
    };
    this.#evaluate();
  }

  /** Something other than a write waits to be sent. */
  wake(): void {
    this.#evaluate();
  }

  /** Resolves when an attempt has ended that began after the call, or when none can be made. */
  async syncNow(signal?: AbortSignal): Promise<void> {
    const canSync = this.#isSignedIn && this.state !== "stopped" && this.state !== "paused";
    if (!canSync || signal?.aborted === true) return;
    this.#isForced = true;
    this.#window = undefined;
    this.#memory.isPullDue = true;
    const ended = new Promise<void>((resolve) => {
      this.#waiters.push(resolve);
      signal?.addEventListener("abort", () => {
        resolve();
      });
    });
    this.#evaluate();
    await ended;
  }

  async pause(): Promise<void> {
    this.live.close();
    this.#move("pause");
    this.#endWaiters();
    await this.#store({ paused: true });
  }

  async resume(): Promise<void> {
    await this.#store({ paused: false });
    this.#move("resume");
    this.#memory.isPullDue = true;
    this.#evaluate();
  }

  stop(): void {
    this.#move("stop");
    this.live.close();
    this.#cancelTimer();
    this.#cancelWatchdog();
    for (const end of this.#unsubscribe) end();
    this.#unsubscribe = [];
    this.#endWaiters();
  }

  /** The time of the next attempt; `undefined`: no attempt is planned. */
  get nextAttemptAtMs(): number | undefined {
    return this.#running === 0 && this.#timerAtMs < Infinity ? this.#timerAtMs : undefined;
  }

  /** Resolves once the attempt under way has ended. */
  async idle(): Promise<void> {
    await this.#ended;
  }

  #move(event: EngineEvent): void {
    const before = this.state;
    this.state = next(ENGINE_MACHINE, before, event);
    if (this.state !== before) this.onChange();
  }

  /** @param running - the attempt that the steps belong to; `0`: none, they outlive it */
  #attempt(running: number): Attempt {
    const { database, clock, rebase, device, tell } = this.#parts;
    return {
      parts: this.#parts,
      workspace: this.workspace,
      mirror: this.mirror,
      memory: this.#memory,
      movePull: (event) => {
        this.live.move(event);
      },
      pullPhase: () => this.live.phase,
      isOver: () =>
        this.state === "stopped" || this.state === "paused" || (running !== 0 && running !== this.#running),
      commit: async <R>(work: (draft: Draft) => R, options = {}) => {
        const request = {
          ...options,
          workspace: this.workspace,
          nowMs: clock.nowMs(),
          rebase,
          leader: device.leaderToken,
        };
        const { result, news } = await commitDraft(database, request, work);
        tell(this.workspace, news);
        this.#memory.progressAtMs = clock.nowMs();
        return result;
      },
    };
  }

  get #isPullDue(): boolean {
    const { isPullDue, newsSeq } = this.#memory;
    return isPullDue || newsSeq > (this.mirror.row.checkpoint ?? Infinity);
  }

  #onConnectivity(): void {
    const { connectivity } = this.#parts;
    if (connectivity.isVisible() && connectivity.isOnline()) {
      // Either may end a wait: the last failure may be over.
      if (this.state === "offline" || this.state === "failed") this.#isForced = true;
      this.#memory.isPullDue = true;
    }
    if (this.live.isHidden()) this.live.close();
    this.#evaluate();
  }

  /** Begins an attempt if one is due; otherwise sets the timer. The only place that does either. */
  #evaluate(): void {
    this.#cancelTimer();
    this.#timerAtMs = Infinity;
    if (this.#running !== 0 || !this.#canBegin()) return;
    const now = this.#parts.clock.nowMs();
    const atMs = this.#isForced ? now : this.#dueAtMs(now);
    if (atMs <= now) {
      this.#begin();
      return;
    }
    if (atMs === Infinity) return;
    this.#timerAtMs = atMs;
    this.#cancelTimer = this.#parts.clock.setTimer(atMs - now, () => {
      this.#evaluate();
    });
  }

  #canBegin(): boolean {
    return this.#isSignedIn && ["idle", "offline", "failed", "signedOut"].includes(this.state);
  }

  #dueAtMs(now: number): number {
    const { connectivity, settings } = this.#parts;
    if (!connectivity.isOnline()) return Infinity;
    const { row, outbox } = this.mirror;
    const isPolled = settings.live === "poll" || (!this.live.isOpen && !this.live.isHidden());
    let atMs = Math.min(
      this.#pushAtMs(now),
      this.#isPullDue ? now : Infinity,
      isPolled ? this.#pulledAtMs + settings.pollMs : Infinity,
      row.decisions.length > 0 ? this.#memory.decisionsAtMs : Infinity,
    );
    for (const { state, batchId, askAtMs = Infinity } of outbox.values()) {
      if (batchId !== undefined) atMs = Math.min(atMs, this.#memory.asks.get(batchId)?.atMs ?? now);
      else if (state === "parked") atMs = Math.min(atMs, askAtMs);
    }
    return Math.max(atMs, row.retryAtMs);
  }

  #pushAtMs(now: number): number {
    const { pushBlocked, limits } = this.#memory;
    const { clock: _, settings, connectivity, requests, device, tokens } = this.#parts;
    if (this.mirror.outbox.size === 0) {
      this.#window = undefined;
      return Infinity;
    }
    if (
      pushBlocked !== null &&
      pushBlocked.tokenGeneration === tokens.generation &&
      pushBlocked.untilMs > now
    )
      return pushBlocked.untilMs;
    if (this.#window !== undefined)
      return windowEndMs(this.#window, settings, connectivity.isVisible(), requests.pace);
    const operations = [...this.mirror.outbox.values()];
    if (chooseBatch(operations, device.id, limits, now) !== null) return now;
    return operations.reduce(
      (atMs, { notBeforeMs = 0 }) => (notBeforeMs > now ? Math.min(atMs, notBeforeMs) : atMs),
      Infinity,
    );
  }

  #begin(): void {
    const isForced = this.#isForced;
    this.#isForced = false;
    this.#attempts += 1;
    const running = this.#attempts;
    this.#running = running;
    this.#memory.progressAtMs = this.#parts.clock.nowMs();
    const waiters = this.#waiters.splice(0);
    this.#move("attempt");
    this.#ended = this.#run(running, isForced, waiters);
  }

  async #run(running: number, isForced: boolean, waiters: readonly (() => void)[]): Promise<void> {
    let end: StepEnd;
    try {
      end = await this.#sync(running, isForced);
    } catch (error) {
      end = this.#fail(error);
    }
    // An attempt that was given up has no say any more.
    if (running === this.#running) {
      await this.#settleAttempt(end);
      this.#running = 0;
    }
    for (const resolve of waiters) resolve();
    this.#evaluate();
    this.onChange();
  }

  async #endLive(failure: CallFailure): Promise<void> {
    await this.#settleAttempt({ kind: "failed", failure });
    this.#evaluate();
  }

  /** One attempt: sends what may go, asks for what is pending, and reads the feed to its end. */
  async #sync(running: number, isForced: boolean): Promise<StepEnd> {
    const attempt = this.#attempt(running);
    const now = () => this.#parts.clock.nowMs();
    await askParked(attempt, ({ askAtMs = 0 }) => isForced || askAtMs <= now());
    const steps = [
      () => {
        const hasEnded = this.#window === undefined || this.#pushAtMs(now()) <= now();
        if (hasEnded) this.#window = undefined;
        return pushAll(attempt, () => this.#window === undefined || this.#pushAtMs(now()) <= now());
      },
      () => askPending(attempt),
      () => sendDecisions(attempt),
      () => (this.#isPullWanted() ? this.#pull(attempt) : Promise.resolve(DONE)),
    ];
    for (const step of steps) {
      if (attempt.isOver()) return DONE;
      const end = await step();
      if (end.kind === "failed") return end;
    }
    return DONE;
  }

  #isPullWanted(): boolean {
    const isAwaited = [...this.mirror.outbox.values()].some(({ state }) => state === "acked");
    const isStale = this.#parts.clock.nowMs() - this.#pulledAtMs >= this.#parts.settings.pollMs;
    return isAwaited || isStale || this.#isPullDue || this.mirror.row.checkpoint === null;
  }

  async #pull(attempt: Attempt): Promise<StepEnd> {
    const end = await pullFeed(attempt);
    if (end.kind === "failed" || attempt.isOver()) return end;
    this.#pulledAtMs = this.#parts.clock.nowMs();
    return end;
  }

  #fail(error: unknown): StepEnd {
    const code = error instanceof SynclineClientError ? error.code : "storageUnavailable";
    this.#parts.log("error", "an attempt to sync failed", {
      workspace: this.workspace,
      error: String(error),
    });
    if (code === "deposed") this.stop();
    if (code === "storageFull") this.#parts.emit("storageFull", { workspace: this.workspace });
    this.error = { code, message: String(error) };
    return { kind: "failed", failure: { kind: "protocol", detail: String(error) } };
  }

  /** Ends an attempt: the next state, and after a failure the wait, which is stored. */
  async #settleAttempt(end: StepEnd): Promise<void> {
    if (this.state === "stopped" || this.state === "paused") return;
    const { clock } = this.#parts;
    if (end.kind === "done") {
      this.error = undefined;
      if (this.state === "syncing") this.#move("synced");
      const { attempt, retryAtMs } = this.mirror.row;
      await this.#store({
        ...(attempt === 0 && retryAtMs === 0 ? {} : { attempt: 0, retryAtMs: 0 }),
        ...(this.#pulledAtMs === 0 ? {} : { lastSyncAtMs: this.#pulledAtMs }),
      });
      this.live.ensure();
      return;
    }
    const { failure } = end;
    this.error = this.error?.code.startsWith("storage") === true ? this.error : errorOf(failure);
    const { event, waitMs } = await this.#judge(failure);
    this.#move(event);
    if (event === "unauthorized") this.#parts.emit("signedOut", { reason: this.error.message });
    this.live.close();
    await this.#store({ attempt: this.mirror.row.attempt + 1, retryAtMs: clock.nowMs() + waitMs });
  }

  /** The state and the wait that a failure leads to. */
  async #judge(failure: CallFailure): Promise<{ event: EngineEvent; waitMs: number }> {
    const { random, settings, emit } = this.#parts;
    const backOff = backOffMs(this.mirror.row.attempt + 1, settings, random.fraction());
    if (failure.kind === "wrongAccount") return { event: "unauthorized", waitMs: PROTOCOL_RETRY_MS };
    if (failure.kind === "forbidden") {
      if (reactionTo(failure, this.#attempt(0)) !== "accessLost")
        return { event: "broken", waitMs: PROTOCOL_RETRY_MS };
      await this.#guard(
        loseAccess(this.#attempt(0), failure.detail ?? "The token does not name the workspace"),
      );
      return { event: "broken", waitMs: PROTOCOL_RETRY_MS };
    }
    switch (ANSWER_TABLE[failure.kind]) {
      case "backOff":
        return { event: "noAnswer", waitMs: Math.max(backOff, toldOf(failure)) };
      case "waitAsTold":
        return { event: "noAnswer", waitMs: toldMs(toldOf(failure) || 1_000, random.fraction()) };
      case "newToken":
        return { event: "unauthorized", waitMs: PROTOCOL_RETRY_MS };
      case "accessLost":
      case "stopPushing":
      case "newDevice":
      case "dropStrategy":
      case "sendAgain":
      case "readAnew":
      case "halve":
      case "refuseNamed":
      case "fail":
    }
    // Steps react to most of these by themselves: here they are no answer to what was asked.
    const { requestId, detail } = failure;
    emit("protocolError", { workspace: this.workspace, requestId, detail });
    return { event: "broken", waitMs: PROTOCOL_RETRY_MS };
  }

  /** Writes facts about the engine itself. A fault of the storage is shown, and does not stop it. */
  async #store(facts: Partial<WorkspaceRow>): Promise<void> {
    if (Object.keys(facts).length === 0) return;
    await this.#guard(
      this.#attempt(0).commit((draft) => {
        draft.row = { ...draft.row, ...facts };
      }),
    );
  }

  async #guard(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#fail(error);
    }
  }

  #endWaiters(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Checks that the engine cannot be stuck: an attempt that makes no progress is given up, and reported. */
  #watch(): void {
    this.#cancelWatchdog = this.#parts.clock.setTimer(WATCHDOG_MS, () => {
      const now = this.#parts.clock.nowMs();
      const isStuck = now - this.#memory.progressAtMs >= STUCK_MS && this.#parts.requests.awaited === 0;
      const isRunningStuck = this.#running !== 0 && isStuck;
      const isWaitingStuck = this.#running === 0 && this.#canBegin() && this.#dueAtMs(now) < now - 1_000;
      if (isRunningStuck || isWaitingStuck) {
        this.#running = 0;
        if (this.state === "syncing") this.#move("noAnswer");
        this.onStalled();
      }
      this.#watch();
      this.#evaluate();
    });
  }

  onStalled: () => void = () => {};
}

/** The wait that an answer asks for, in milliseconds; 0 if it names none. */
function toldOf(failure: CallFailure): number {
  return "retryAfterMs" in failure ? (failure.retryAfterMs ?? 0) : 0;
}
