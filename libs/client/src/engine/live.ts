import { next } from "../core/machine.ts";
import { PULL_MACHINE, type PullEvent, type PullPhase } from "../core/pull-machine.ts";
import type { Operation } from "../core/rows.ts";
import type { StreamEvent } from "../ports/transport.ts";
import type { Attempt, EngineParts } from "./engine-context.ts";
import { pullPage } from "./pull.ts";
import type { CallFailure } from "./requests.ts";

/** The server sends a heartbeat each 15 s. A stream that is silent for longer than two is dead. */
const SILENCE_MS = 35_000;
/** The server ends a long poll after that time. */
const POLL_SECONDS = 25;
/** A stream that ends sooner has failed, even if it ends in order: it is not opened again without a pause. */
const STREAM_MS_MIN = 10_000;
/** So many failures of the stream within a minute, and the feed is polled for a while. */
const FAILURES_MAX = 2;
const FAILURES_WITHIN_MS = 60_000;
const RETRY_STREAM_MS = 5 * 60_000;
/** The stream of a screen that is hidden for that long is closed. */
const HIDDEN_MS = 5 * 60_000;

/** The engine's side of the live feed. */
export interface LiveOwner {
  readonly attempt: () => Attempt;
  /** There is something new to read. */
  readonly onNews: (seq?: number) => void;
  readonly onPhase: () => void;
  readonly onFailure: (failure: CallFailure) => void;
}

/**
 * Learns of changes as they happen. The event stream only tells that there is something to read: the page comes from
 * the feed, because a stream does not show where a group ends (R13). If streams fail, long polls replace them.
 */
export class Live {
  readonly #parts: EngineParts;
  readonly #owner: LiveOwner;
  readonly #failuresAtMs: number[] = [];
  #stop: AbortController | undefined;
  #pollUntilMs = 0;
  #hiddenAtMs: number | undefined;
  #lastEventId: string | undefined;
  phase: PullPhase = "none";

  constructor(parts: EngineParts, owner: LiveOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  move(event: PullEvent): void {
    const before = this.phase;
    this.phase = next(PULL_MACHINE, before, event);
    if (this.phase !== before) this.#owner.onPhase();
  }

  get isOpen(): boolean {
    return this.#stop !== undefined;
  }

  /** Starts to follow, unless it does already, or the screen has been hidden for long. */
  ensure(): void {
    if (this.#stop !== undefined || this.#parts.settings.live === "poll" || this.isHidden()) return;
    const stop = new AbortController();
    this.#stop = stop;
    const isStream = this.#parts.clock.nowMs() >= this.#pollUntilMs;
    void this.#follow(stop, isStream);
  }

  async #follow(stop: AbortController, isStream: boolean): Promise<void> {
    let failure: CallFailure | null;
    try {
      failure = await (isStream ? this.#listen(stop.signal) : this.#poll(stop.signal));
    } catch (error) {
      failure = { kind: "noAnswer", detail: String(error) };
    }
    if (this.#stop === stop) this.#stop = undefined;
    if (this.phase === "live") this.move("streamLost");
    if (stop.signal.aborted) return;
    if (failure === null) this.#owner.onNews();
    else this.#owner.onFailure(failure);
  }

  close(): void {
    this.#stop?.abort();
    this.#stop = undefined;
  }

  isHidden(): boolean {
    if (this.#parts.connectivity.isVisible()) {
      this.#hiddenAtMs = undefined;
      return false;
    }
    this.#hiddenAtMs ??= this.#parts.clock.nowMs();
    return this.#parts.clock.nowMs() - this.#hiddenAtMs >= HIDDEN_MS;
  }

  /** Follows one stream to its end. Returns its failure; `null`: it ended as streams do. */
  async #listen(signal: AbortSignal): Promise<CallFailure | null> {
    const { mirror, workspace } = this.#owner.attempt();
    const { checkpoint, epoch, settledSince } = mirror.row;
    const request = {
      workspace,
      deviceId: this.#parts.device.id,
      ...(settledSince === null ? {} : { settledSince }),
      since: checkpoint ?? 0,
      ...(epoch === null ? {} : { epoch }),
      ...(this.#lastEventId === undefined ? {} : { lastEventId: this.#lastEventId }),
    };
    const startedAtMs = this.#parts.clock.nowMs();
    let isOpen = false;
    const onEvent = (event: StreamEvent) => {
      if (signal.aborted) return;
      if (event.kind === "open") {
        isOpen = true;
        if (this.phase === "polling") this.move("streamOpen");
        return;
      }
      if (event.lastEventId !== undefined) this.#lastEventId = event.lastEventId;
      if (event.kind === "settled" && isAwaited(mirror.outbox.values(), event.clientId)) this.#owner.onNews();
      const { row } = this.#owner.attempt().mirror;
      if (event.kind === "change" && event.change.seq > (row.checkpoint ?? 0))
        this.#owner.onNews(event.change.seq);
    };
    const answer = await this.#parts.requests.call(
      (transport, context) => transport.listen(request, onEvent, context),
      { silenceMs: SILENCE_MS, signal, isBackground: true },
    );
    const tookMs = this.#parts.clock.nowMs() - startedAtMs;
    if (answer.kind === "ok" && tookMs >= STREAM_MS_MIN) return null;
    if (answer.kind !== "ok") this.#lastEventId = undefined;
    if (!signal.aborted) this.#noteFailure();
    // The server or a proxy has no stream for this device, and all else may work: pages are polled.
    if (answer.kind === "protocol" || answer.kind === "notFound") this.#pollLater();
    // A stream that was open and breaks off is no news about the network, and the feed finds out what is gone.
    const isNoNews = answer.kind === "noAnswer" && isOpen;
    return isNoNews || ["ok", "gone", "protocol", "notFound"].includes(answer.kind)
      ? null
      : (answer as CallFailure);
  }

  #pollLater(): void {
    this.#pollUntilMs = this.#parts.clock.nowMs() + RETRY_STREAM_MS;
  }

  #noteFailure(): void {
    const now = this.#parts.clock.nowMs();
    this.#failuresAtMs.push(now);
    while ((this.#failuresAtMs[0] ?? now) < now - FAILURES_WITHIN_MS) this.#failuresAtMs.shift();
    if (this.#failuresAtMs.length >= FAILURES_MAX) this.#pollLater();
  }

  /** Polls until streams are tried again. */
  async #poll(signal: AbortSignal): Promise<CallFailure | null> {
    while (!signal.aborted && this.#parts.clock.nowMs() < this.#pollUntilMs) {
      const startedAtMs = this.#parts.clock.nowMs();
      const end = await pullPage(this.#owner.attempt(), POLL_SECONDS, signal);
      if (end.kind === "failed") return end.failure;
      if (end.kind !== "done" || this.#owner.attempt().isOver()) return null;
      // A server that does not wait is not asked without a pause.
      if (this.#parts.clock.nowMs() - startedAtMs < 1_000) await this.#pause(signal);
    }
    return null;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.clock.setTimer(this.#parts.settings.pollMs, resolve);
      signal.addEventListener("abort", () => {
        cancel();
        resolve();
      });
    });
  }
}

/** Reports whether an operation waits for its outcome, and not only for the answer of its batch. */
function isAwaited(operations: Iterable<Operation>, clientId: string): boolean {
  for (const { state, wire, batchId } of operations) {
    if (wire?.clientId === clientId) return state === "parked" || (state === "sent" && batchId !== undefined);
  }
  return false;
}
