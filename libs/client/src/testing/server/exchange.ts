import type { Problem } from "@syncline/shared/protocol";
import type { Identity } from "./tokens.ts";

/** A request as a route reads it. */
export interface ServerRequest {
  method: string;
  /** The path's segments below `/api/v1`, decoded. */
  path: readonly string[];
  query: URLSearchParams;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  identity: Identity;
  requestId: string;
  /** Aborted when the client has left. */
  signal: AbortSignal;
}

/** The answer of a route; `body` is text, or a stream of it. */
export interface ServerAnswer {
  status: number;
  headers: Record<string, string>;
  body: string | TextStream;
}

/** Text that is written and read at different times. */
export class TextStream {
  readonly #pieces: string[] = [];
  #wake: () => void = () => undefined;
  #ended = false;
  #broken = false;

  write(text: string): void {
    if (this.#ended) return;
    this.#pieces.push(text);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Ends the stream in the way of a lost connection: what was written and not read is lost, too. */
  break(): void {
    this.#broken = true;
    this.end();
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** @throws if the stream broke off */
  async read(): Promise<string | undefined> {
    for (;;) {
      if (this.#broken) throw new TypeError("The connection broke");
      const piece = this.#pieces.shift();
      if (piece !== undefined) return piece;
      if (this.#ended) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

export function jsonAnswer(body: unknown, status = 200, headers: Record<string, string> = {}): ServerAnswer {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: `${JSON.stringify(body)}\n`,
  };
}

export function problemAnswer(problem: Problem): ServerAnswer {
  const { retryAfterSeconds } = problem.details;
  return {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json; charset=utf-8",
      ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
    },
    body: `${JSON.stringify(problem)}\n`,
  };
}
