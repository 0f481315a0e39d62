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

/** The answers that this process keeps open: so many at most, and none once it stops. */
export class OpenStreams {
  readonly #streamsMax: number;
  readonly #streams = new Set<OpenStream>();
  #closed = false;

  constructor(streamsMax: number) {
    this.#streamsMax = streamsMax;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** `undefined` where there is no place left. */
  open(): OpenStream | undefined {
    if (this.#closed || this.#streams.size >= this.#streamsMax) return undefined;
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
