/** An answer that stays open: an event stream, a request that waits for changes, a snapshot. */
export interface OpenStream {
  /** Aborted when the stream is to end: its client left, its time is over, or the process stops. */
  signal: AbortSignal;
  /** Ends it, and gives its place to another. More than once does no harm. */
  end: () => void;
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
    const stream: OpenStream = {
      signal: controller.signal,
      end: () => {
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
    for (const stream of this.#streams) stream.end();
  }
}
