import type { Refusal, Shares } from "./shares.ts";

/** The reason for which the server ends a stream, sent to the client. */
export type StreamEnd = "token_expired" | "time_over" | "stopping";

/** A long-lived response: an event stream, a request that waits for changes, a snapshot. */
export interface OpenStream {
  /** Aborted when the stream must end: its client left, its time is over, or the process stops. */
  readonly signal: AbortSignal;
  /** The reason to send to the client; `undefined` if there is none, or the client has left. */
  readonly endedBy: StreamEnd | undefined;
  /** Ends the stream and releases its slot. Repeated calls have no effect: the first reason counts. */
  readonly end: (why?: StreamEnd) => void;
}

/** The client that opens a stream. */
export interface StreamClient {
  subject: string;
  address: string;
  /** The number of slots that the stream takes, by default 1. */
  weight?: number | undefined;
}

/**
 * The long-lived responses of this process: limited in number, shared out between clients, and refused once the process
 * stops.
 */
export class OpenStreams {
  readonly #shares: Shares;
  readonly #streams = new Set<OpenStream>();
  #closed = false;

  constructor(shares: Shares) {
    this.#shares = shares;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** @returns the stream, or the limit that refused it */
  open({ subject, address, weight = 1 }: StreamClient): OpenStream | Refusal {
    if (this.#closed) return "all";
    const hold = this.#shares.hold();
    const refusal =
      hold.resize(weight) ?? hold.countFor("address", address) ?? hold.countFor("subject", subject);
    if (refusal !== undefined) {
      hold.release();
      return refusal;
    }
    const controller = new AbortController();
    const { signal } = controller;
    let endedBy: StreamEnd | undefined;
    const stream: OpenStream = {
      signal,
      get endedBy() {
        return endedBy;
      },
      end: (why) => {
        if (!signal.aborted) endedBy = why;
        this.#streams.delete(stream);
        hold.release();
        controller.abort();
      },
    };
    this.#streams.add(stream);
    return stream;
  }

  /** Ends every stream and opens no more: the process is stopping. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.end("stopping");
  }
}
