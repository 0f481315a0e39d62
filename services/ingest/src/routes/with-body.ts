import type { IncomingMessage } from "node:http";
import type { Readable, Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { identityOf, networkOfClient } from "@syncline/kit/http";
import { BATCH_BYTES_MAX, Problem } from "@syncline/shared/protocol";
import type { Request, RequestHandler, Response } from "express";
import type { Hold, Shares } from "../core/shares.ts";
import { shareExceeded } from "./share-exceeded.ts";

/** Memory for each byte of a body: as received, and on its way to Redis. */
export const MEMORY_PER_BYTE = 2;
/** Grace period before a body's rate is measured, for the connection to get up to speed. */
const RATE_GRACE_SECONDS = 10;
const RATE_CHECK_MS = 1_000;

const TOO_MUCH = new Problem("overloaded", {
  detail:
    "The bodies of the requests in progress take too much memory; send the request again after Retry-After",
  retryAfterSeconds: 1,
});
const TOO_LARGE = new Problem("too-large", { detail: `The body is larger than ${BATCH_BYTES_MAX} bytes` });
const BROKEN = new Problem("not-json", { detail: "The body cannot be decompressed" });
const BROKEN_OFF = new Problem("not-json", { detail: "The body is incomplete" });
const TOO_SLOW = new Problem("request-timeout", { detail: "The body arrived too slowly; send it again" });
/** Decompressors by content encoding. */
const INFLATERS = new Map([
  ["gzip", () => createGunzip()],
  ["deflate", () => createInflate()],
  ["br", () => createBrotliDecompress()],
]);

/** Answers a request. The body is read only when the handler asks for it, after checking the sender. */
export type BodyHandler<P> = (
  request: Request<P>,
  response: Response,
  readBody: () => Promise<Uint8Array>,
) => Promise<void>;
export type WithBody = <P>(handle: BodyHandler<P>) => RequestHandler<P>;

interface Options {
  /** Limit on the memory of all bodies together, in bytes. */
  memory: Shares;
  /** Lowest average rate of a body, in bytes per second. */
  rateMin: number;
}

/**
 * Creates handlers that read bodies. A body's decompressed bytes count from their arrival until the request is handled,
 * even if the client has left. A body that arrives too slowly is rejected, and its connection ends.
 */
export function createWithBody({ memory, rateMin }: Options): WithBody {
  return (handle) => async (request, response) => {
    const hold = memory.hold();
    hold.countFor("subject", identityOf(response).subject);
    hold.countFor("address", networkOfClient(response));
    try {
      await handle(request, response, () => readBody(request, response, { hold, rateMin }));
    } finally {
      hold.release();
    }
  };
}

async function readBody(
  request: IncomingMessage,
  response: Response,
  { hold, rateMin }: { hold: Hold; rateMin: number },
): Promise<Uint8Array> {
  const inflater = inflaterOf(request);
  if (Number(request.headers["content-length"]) > BATCH_BYTES_MAX) throw TOO_LARGE;
  const end = new AbortController();
  const leave = () => end.abort(BROKEN_OFF);
  response.once("close", leave);
  watchRate(request, rateMin, () => {
    end.abort(TOO_SLOW);
    if (response.headersSent) request.destroy();
    else response.set("connection", "close");
  });
  try {
    return await collect(inflater === undefined ? request : request.pipe(inflater), {
      signal: end.signal,
      admit: (length) => admitBytes(hold, length),
    });
  } catch (error) {
    throw error instanceof Problem ? error : inflater === undefined ? BROKEN_OFF : BROKEN;
  } finally {
    response.off("close", leave);
    // The rest of a rejected body is discarded, so that the connection can be reused.
    if (inflater !== undefined) request.unpipe(inflater);
    request.resume();
    inflater?.destroy();
  }
}

function inflaterOf(request: IncomingMessage): Transform | undefined {
  const encoding = (request.headers["content-encoding"] ?? "identity").toLowerCase();
  const inflater = INFLATERS.get(encoding)?.();
  if (inflater === undefined && encoding !== "identity") {
    throw new Problem("unsupported-media-type", {
      detail: "The body's Content-Encoding is not supported; send gzip, deflate or br",
    });
  }
  return inflater;
}

function admitBytes(hold: Hold, length: number): Problem | undefined {
  if (length > BATCH_BYTES_MAX) return TOO_LARGE;
  const refusal = hold.resize(length * MEMORY_PER_BYTE);
  if (refusal === undefined) return undefined;
  return refusal === "all" ? TOO_MUCH : shareExceeded(refusal, "memory for bodies", 1);
}

/**
 * Collects a stream until it ends, the bytes are no longer admitted, or the signal is aborted; later chunks are
 * discarded.
 */
function collect(
  source: Readable,
  { signal, admit }: { signal: AbortSignal; admit: (length: number) => Problem | undefined },
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    length += chunk.length;
    const refused = admit(length);
    if (refused === undefined) chunks.push(chunk);
    else fail(refused);
  };
  const fail = (reason: unknown) => {
    source.off("data", take);
    chunks.length = 0;
    reject(reason instanceof Error ? reason : BROKEN_OFF);
  };
  signal.addEventListener("abort", () => fail(signal.reason), { once: true });
  source
    .on("data", take)
    .on("error", fail)
    .once("end", () => resolve(Buffer.concat(chunks, length)))
    .once("close", () => fail(BROKEN_OFF));
  return promise;
}

/** Calls `onTooSlow` once if the average rate falls below `rateMin` before the request is complete. */
function watchRate(request: IncomingMessage, rateMin: number, onTooSlow: () => void): void {
  const startMs = performance.now();
  let bytes = 0;
  request.on("data", (chunk: Buffer) => (bytes += chunk.length));
  const isTooSlow = () => {
    const seconds = (performance.now() - startMs) / 1_000 - RATE_GRACE_SECONDS;
    return bytes < seconds * rateMin;
  };
  const check = () => {
    if (!isTooSlow()) return;
    // Data that arrived while this process was busy is read before this callback runs.
    setImmediate(() => {
      if (request.complete || !isTooSlow()) return;
      stop();
      onTooSlow();
    });
  };
  const timer = setInterval(check, RATE_CHECK_MS);
  const stop = () => clearInterval(timer);
  request.once("end", stop).once("close", stop);
}
