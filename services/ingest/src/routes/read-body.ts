import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { Problem } from "@syncline/runtime";
import { BATCH_BYTES_MAX } from "@syncline/shared";
import type { Request, RequestHandler } from "express";
import getRawBody from "raw-body";
import { BytesUnderWay } from "../core/bytes-under-way.ts";

const TOO_MUCH = new Problem("overloaded", {
  detail: "The bodies of all requests that are under way take too much memory",
  retryAfterSeconds: 1,
});
const NOT_READABLE = new Problem("not-json", { detail: "The body's compression is broken" });
/** What undoes a body's compression. */
const INFLATERS = new Map([
  ["gzip", () => createGunzip()],
  ["deflate", () => createInflate()],
  ["br", () => createBrotliDecompress()],
]);

/**
 * Reads a body, as long as all those that are under way fit together. What a request says that it will send counts before
 * it is read, what is inflated as it comes, and what it came to from then on: a body takes memory until it is answered.
 */
export function createReadBody({ bytesMax }: { bytesMax: number }): RequestHandler {
  const underWay = new BytesUnderWay(bytesMax);

  return (request, response, next) => {
    const encoding = (request.get("content-encoding") ?? "identity").toLowerCase();
    const inflater = INFLATERS.get(encoding)?.();
    if (inflater === undefined && encoding !== "identity") {
      throw new Problem("unsupported-media-type", { detail: "The body's encoding is not supported" });
    }
    const announced = announcedBytes(request);
    const bytes = underWay.add();
    if (!bytes.count(announced)) throw TOO_MUCH;
    response.once("close", () => {
      bytes.release();
      // It is not told that no more will come.
      inflater?.destroy();
    });
    let inflated = 0;
    inflater?.on("data", (chunk: Buffer) => {
      inflated += chunk.length;
      if (inflated > announced && !bytes.count(inflated)) inflater.destroy(TOO_MUCH);
    });
    // What goes wrong once nobody reads it any more is no reason to fall.
    inflater?.on("error", () => undefined);
    const content = inflater === undefined ? request : request.pipe(inflater);
    const length = inflater === undefined ? (request.get("content-length") ?? null) : null;
    getRawBody(content, { limit: BATCH_BYTES_MAX, length }, (error: Error | null, body) => {
      if (inflater !== undefined) {
        request.unpipe(inflater).resume();
        inflater.destroy();
      }
      if (error !== null) return next("status" in error ? error : NOT_READABLE);
      bytes.count(body.length);
      request.body = body;
      next();
    });
  };
}

/** What does not say how long it is counts as the longest that is read. */
function announcedBytes(request: Request): number {
  return Math.min(BATCH_BYTES_MAX, Number(request.get("content-length") ?? BATCH_BYTES_MAX));
}
