import { setPlatformTimer, type Connection, type RequestOptions } from "./connection.ts";

/** Longest time without an answer, or without a byte of it. */
const SILENCE_MS = 45_000;

/** The life of one request: it ends when its caller aborts it, or nothing arrives for too long. */
export interface Lifetime {
  /** Aborted at its end; given to `fetch`. */
  readonly signal: AbortSignal;
  /** Waits for a promise, but no longer than the life lasts: the promise of a frozen connection may never settle. */
  race<T>(promise: Promise<T>): Promise<T>;
  /** Notes that something arrived. */
  touch(): void;
  /** Ends the life without a reason. Later calls of `touch` have no effect. */
  end(): void;
  /** The reason of the end, if there was one. */
  endedBy(): "aborted" | "silence" | undefined;
}

/** Starts the life of a request. */
export function startLifetime(
  connection: Connection,
  { signal: caller, onProgress }: RequestOptions,
  silenceMs = connection.silenceMs ?? SILENCE_MS,
): Lifetime {
  const setTimer = connection.setTimer ?? setPlatformTimer;
  const controller = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  ended.catch(() => undefined);
  let reason: "aborted" | "silence" | undefined;
  let cancel: () => void = () => undefined;
  const stop = (by: typeof reason) => {
    cancel();
    caller?.removeEventListener("abort", onAbort);
    if (controller.signal.aborted) return;
    reason = by;
    controller.abort();
    reject(new Error("The request ended"));
  };
  const onAbort = () => stop("aborted");
  const watch = () => {
    cancel();
    if (silenceMs === Infinity || controller.signal.aborted) return;
    cancel = setTimer(silenceMs, () => stop("silence"));
  };
  watch();
  if (caller?.aborted) onAbort();
  else caller?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    race: (promise) => Promise.race([promise, ended]),
    touch: () => {
      watch();
      onProgress?.();
    },
    end: () => stop(undefined),
    endedBy: () => reason,
  };
}
