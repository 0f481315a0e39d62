/** The headers of an answer, as `Headers` reads them. */
export interface AnswerHeaders {
  get(name: string): string | null;
}

/** The body of an answer in pieces, as `ReadableStreamDefaultReader` reads it. */
export interface BodyReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** The part of a `Response` that the requests read. */
export interface FetchedAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: { getReader(): BodyReader } | null;
}

/** The part of a `RequestInit` that the requests set. */
export interface FetchedRequest {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  /** True for a batch that is sent while its page is closed. */
  keepalive?: boolean;
  redirect: "manual";
  signal: AbortSignal;
}

/** The part of `fetch` that the requests need; the global one by default. */
export type Fetch = (url: string, request: FetchedRequest) => Promise<FetchedAnswer>;

/** Calls `call` after a delay, unless the returned function cancels it before. */
export type SetTimer = (delayMs: number, call: () => void) => () => void;

/** Compresses text with gzip. */
export type BodyCompression = (text: string) => Promise<Uint8Array<ArrayBuffer>>;

/** The address and the identity that requests are sent with. */
export interface Connection {
  /** The server's address, for example `https://sync.example.com`. */
  url: string;
  /** Returns the current token; called once for each request. */
  token: () => string | Promise<string>;
  /** The global `fetch` by default. */
  fetch?: Fetch;
  /** A timer; `setTimeout` by default. */
  setTimer?: SetTimer;
  /**
   * Longest time without an answer, or without a byte of it, in milliseconds; 45 seconds by default. With `Infinity` the
   * caller watches it, by `onProgress`.
   */
  silenceMs?: number;
  /** Compresses the body of a batch from 2 KB on; bodies are sent as they are by default. */
  compress?: BodyCompression;
}

/** Options of every request. */
export interface RequestOptions {
  /** Ends the request; its answer is then `aborted`. */
  signal?: AbortSignal | undefined;
  /** Called for each piece of the answer that arrives. */
  onProgress?: (() => void) | undefined;
}

/** Calls `call` after a delay of the platform's clock. */
export const setPlatformTimer: SetTimer = (delayMs, call) => {
  const timer = setTimeout(call, delayMs);
  return () => clearTimeout(timer);
};
