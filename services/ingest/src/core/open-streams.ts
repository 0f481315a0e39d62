import type { Refusal, Shares } from "./shares.ts";

/** Why the server ends a stream that its client would have gone on with; clients are told. */
export type StreamEnd = "token_expired" | "time_over" | "stopping";

/** An answer that stays open: an event stream, a request that waits for changes, a snapshot. */
export interface OpenStream {
  /** Aborted when the stream is to end: its client left, its time is over, or the process stops. */
  readonly signal: AbortSignal;
  /** What the client is to be told of the end; `undefined` where there is nothing to tell, or nobody. */
  readonly endedBy: StreamEnd | undefined;
  /** Ends it, and gives its place to another. More than once does no harm: the first counts. */
  readonly end: (why?: StreamEnd) => void;
}

/** Who opens a stream. */
export interface StreamClient {
  subject: string;
  address: string;
}

/** The answers that this process keeps open: so many at most, shared out between clients, and none once it stops. */
export class OpenStreams {
  readonly #places: Shares;
  readonly #streams = new Set<OpenStream>();
  #closed = false;

  constructor(places: Shares) {
    this.#places = places;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** @returns the stream, or why there is no place for it */
  open({ subject, address }: StreamClient): OpenStream | Refusal {
    if (this.#closed) return "all";
    const place = this.#places.hold();
    const refusal =
      place.resize(1) ?? place.countFor("address", address) ?? place.countFor("subject", subject);
    if (refusal !== undefined) {
      place.release();
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
        place.release();
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
