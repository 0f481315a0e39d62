import { NEW_PACE, paceAfter, type Pace } from "../core/pace.ts";
import type { Statistician } from "../core/statistics.ts";
import type { Answer, Failure } from "../ports/answer.ts";
import type { Clock } from "../ports/clock.ts";
import type { RequestContext, Transport } from "../ports/transport.ts";
import type { Token, Tokens } from "./tokens.ts";

/** A result that no server gave: the token belongs to another account, or the app provides none. */
export type LocalFailure = { readonly kind: "wrongAccount"; readonly detail: string };

export type Called<Body> = Answer<Body> | LocalFailure;
export type CallFailure = Failure | LocalFailure;

export interface RequestOptions {
  /** Ends the request after that time without a piece of the answer. */
  readonly silenceMs?: number;
  /** Ends the request earlier. */
  readonly signal?: AbortSignal;
  /** No attempt waits for the answer. */
  readonly isBackground?: boolean;
}

/**
 * Makes the requests of all workspaces. Each has a token of the right account and an end: a request that brings
 * nothing for a while is aborted and counts as lost (R14), whatever the transport does.
 */
export class Requests {
  readonly #transport: Transport;
  readonly #tokens: Tokens;
  readonly #clock: Clock;
  readonly #account: string | null;
  readonly #timeoutMs: number;
  readonly #statistics: Statistician;
  #isOver = false;
  readonly #open = new Set<AbortController>();
  pace: Pace = NEW_PACE;
  /** The server's clock minus the device's, as far as answers tell it. */
  clockSkewMs = 0;

  constructor(of: {
    transport: Transport;
    tokens: Tokens;
    clock: Clock;
    account: string | null;
    timeoutMs: number;
    statistics: Statistician;
  }) {
    this.#transport = of.transport;
    this.#tokens = of.tokens;
    this.#clock = of.clock;
    this.#account = of.account;
    this.#timeoutMs = of.timeoutMs;
    this.#statistics = of.statistics;
  }

  /** The number of requests under way that an attempt waits for: a stream is none of them. */
  awaited = 0;

  /** Ends all requests, and lets no further one leave: a token may still be under way. */
  abortAll(): void {
    this.#isOver = true;
    for (const controller of this.#open) controller.abort();
  }

  async call<Body>(
    run: (transport: Transport, context: RequestContext) => Promise<Answer<Body>>,
    options: RequestOptions = {},
  ): Promise<Called<Body>> {
    // A second 401 in a row is the answer: the token is new then.
    for (let tries = 1; ; tries++) {
      const token = await this.#token();
      if ("kind" in token) return token;
      const answer = await this.#once(token, run, options);
      if (answer.kind !== "unauthorized") return answer;
      this.#tokens.refuse(token);
      if (tries === 2) return answer;
    }
  }

  /** Compares the token's subject with the account before every use (R15). */
  async #token(): Promise<Token | CallFailure> {
    try {
      const token = await this.#tokens.get();
      if (token.subject === undefined || token.subject === this.#account) return token;
      const detail = `The token's sub is ${JSON.stringify(token.subject)}, and the database belongs to ${JSON.stringify(this.#account)}`;
      return { kind: "wrongAccount", detail };
    } catch (error) {
      return { kind: "noAnswer", detail: `token() failed: ${String(error)}` };
    }
  }

  async #once<Body>(
    token: Token,
    run: (transport: Transport, context: RequestContext) => Promise<Answer<Body>>,
    { silenceMs = this.#timeoutMs, signal, isBackground = false }: RequestOptions,
  ): Promise<Answer<Body>> {
    if (this.#isOver) return { kind: "noAnswer", detail: "The client has stopped" };
    const controller = new AbortController();
    this.#open.add(controller);
    const weight = isBackground ? 0 : 1;
    this.awaited += weight;
    const startedAtMs = this.#clock.nowMs();
    const ended = new Promise<Answer<Body>>((resolve) => {
      controller.signal.addEventListener("abort", () => {
        resolve({
          kind: "noAnswer",
          detail: "The request was ended: it took too long, or is no longer needed",
        });
      });
    });
    const abort = () => {
      controller.abort();
    };
    signal?.addEventListener("abort", abort);
    if (signal?.aborted === true) abort();
    let cancel = this.#clock.setTimer(silenceMs, abort);
    const onProgress = () => {
      cancel();
      cancel = this.#clock.setTimer(silenceMs, abort);
    };
    try {
      this.#statistics.requests += 1;
      const context = { token: token.text, signal: controller.signal, onProgress };
      const answer = await Promise.race([run(this.#transport, context), ended]);
      this.#learn(answer, this.#clock.nowMs() - startedAtMs);
      return answer;
    } catch (error) {
      return { kind: "noAnswer", detail: String(error) };
    } finally {
      cancel();
      signal?.removeEventListener("abort", abort);
      this.#open.delete(controller);
      this.awaited -= weight;
    }
  }

  #learn(answer: Answer<unknown>, tookMs: number): void {
    const hasFailed = answer.kind === "noAnswer" || answer.kind === "unavailable";
    this.pace = paceAfter(this.pace, tookMs, hasFailed);
    const serverTimeMs = answer.kind === "ok" ? answer.info.serverTimeMs : answer.serverTimeMs;
    if (serverTimeMs === undefined) return;
    const skewMs = serverTimeMs - this.#clock.nowMs();
    // `Date` counts whole seconds: a small difference tells nothing.
    this.clockSkewMs = Math.abs(skewMs) < 2_000 ? 0 : skewMs;
  }
}
