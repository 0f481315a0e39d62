import { Problem } from "@syncline/runtime";
import { BATCH_BYTES_MAX } from "@syncline/shared";
import express, { type Request, type RequestHandler } from "express";

const TOO_MUCH = new Problem("overloaded", {
  detail: "The bodies of all requests that are under way take too much memory",
  retryAfterSeconds: 1,
});
/** What a compressed body is taken to come to until it is known. */
const COMPRESSED_FACTOR = 10;

/**
 * Reads a body, as long as all those that are under way fit together. What a request says that it will send counts before
 * it is read, and what it came to from then on: a body takes memory until it is answered. One that is alone always fits.
 */
export function createReadBody({ bytesMax }: { bytesMax: number }): RequestHandler {
  const readRaw = express.raw({ type: () => true, limit: BATCH_BYTES_MAX });
  let bytesUnderWay = 0;

  return (request, response, next) => {
    let counted = 0;
    const count = (bytes: number): Problem | undefined => {
      const others = bytesUnderWay - counted;
      if (others > 0 && others + bytes > bytesMax) return TOO_MUCH;
      bytesUnderWay = others + bytes;
      counted = bytes;
      return undefined;
    };
    response.once("close", () => (bytesUnderWay -= counted));
    const refusal = count(announcedBytes(request));
    if (refusal !== undefined) throw refusal;
    readRaw(request, response, (error?: unknown) => {
      const body: unknown = request.body;
      next(error ?? count(Buffer.isBuffer(body) ? body.length : 0));
    });
  };
}

/** What does not say how long it is counts as the longest that is read. */
function announcedBytes(request: Request): number {
  const bytes = Number(request.get("content-length") ?? BATCH_BYTES_MAX);
  const isCompressed = (request.get("content-encoding") ?? "identity") !== "identity";
  return Math.min(BATCH_BYTES_MAX, isCompressed ? bytes * COMPRESSED_FACTOR : bytes);
}
