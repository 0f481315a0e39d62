import type { Clock } from "../ports/clock.ts";

/** A token, with the claims that the client reads. A token that is no JWT has none. */
export interface Token {
  readonly text: string;
  readonly subject?: string;
  readonly expiresAtMs?: number;
  readonly workspaces?: Readonly<Record<string, unknown>> | readonly unknown[];
}

/** The app has that long to provide a token. */
const TOKEN_TIMEOUT_MS = 15_000;
/** A token is renewed that long before it expires. */
const RENEW_MS = 60_000;

/** Asks the app for tokens: when one is needed, before it expires, and after a 401; once for all that wait. */
export class Tokens {
  readonly #ask: () => Promise<string>;
  readonly #clock: Clock;
  #current: Token | undefined;
  #asked: Promise<Token> | undefined;
  /** Grows with each new token: permissions may be others. */
  generation = 0;

  constructor(ask: () => Promise<string>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  get current(): Token | undefined {
    return this.#current;
  }

  /** Rejects if the app provides none in time. */
  async get(): Promise<Token> {
    const { expiresAtMs = Infinity } = this.#current ?? { expiresAtMs: 0 };
    if (this.#current !== undefined && expiresAtMs - RENEW_MS > this.#clock.nowMs()) return this.#current;
    this.#asked ??= this.#askOnce().finally(() => (this.#asked = undefined));
    return await this.#asked;
  }

  /** Forgets a token that was refused. A newer one stays. */
  refuse(token: Token): void {
    if (this.#current === token) this.#current = undefined;
  }

  async #askOnce(): Promise<Token> {
    const text = await new Promise<string>((resolve, reject) => {
      const cancel = this.#clock.setTimer(TOKEN_TIMEOUT_MS, () => {
        reject(new Error(`token() did not answer within ${TOKEN_TIMEOUT_MS} ms`));
      });
      // In a promise, so that a function that throws at once rejects, too.
      Promise.resolve().then(this.#ask).then(resolve, reject).finally(cancel);
    });
    const before = this.#current?.text;
    this.#current = readToken(text);
    if (text !== before) this.generation += 1;
    return this.#current;
  }
}

/** Reads the claims of a JWT without checking it: that is the server's part. */
function readToken(text: string): Token {
  try {
    const payload = (text.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    const { sub, exp, workspaces } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return {
      text,
      ...(typeof sub === "string" ? { subject: sub } : {}),
      ...(typeof exp === "number" ? { expiresAtMs: exp * 1000 } : {}),
      ...(typeof workspaces === "object" && workspaces !== null
        ? { workspaces: workspaces as Record<string, unknown> }
        : {}),
    };
  } catch {
    return { text };
  }
}
