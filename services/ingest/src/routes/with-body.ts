import type { IncomingMessage, ServerResponse } from "node:http";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { Problem } from "@syncline/runtime";
import { BATCH_BYTES_MAX, type Json } from "@syncline/shared";
import type { Request, RequestHandler, Response } from "express";
import getRawBody from "raw-body";
import { BytesUnderWay, type BodyBytes } from "../core/bytes-under-way.ts";
import { readJson } from "../core/read-json.ts";

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

/** What a request with a body is answered by. */
export type BodyHandler<P> = (request: Request<P>, response: Response, body: Json) => Promise<void>;
export type WithBody = <P>(handle: BodyHandler<P>) => RequestHandler<P>;

/**
 * Reads bodies, as long as all those that are under way fit into the memory for them. What a request says that it will send
 * counts before it is read, what is inflated as it comes, and what it came to from then on, until it is handled: also
 * where whoever sent it has left.
 */
export function createWithBody({ bytesMax }: { bytesMax: number }): WithBody {
  const underWay = new BytesUnderWay(bytesMax);

  return (handle) => async (request, response) => {
    const bytes = underWay.add();
    try {
      const body = await readBody(request, response, bytes);
      await handle(request, response, body);
    } finally {
      bytes.release();
    }
  };
}

async function readBody(request: IncomingMessage, response: ServerResponse, bytes: BodyBytes): Promise<Json> {
  const { value, memoryBytes } = readJson(await readBytes(request, response, bytes));
  if (!bytes.count(memoryBytes)) throw TOO_MUCH;
  return value;
}

async function readBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: BodyBytes,
): Promise<Uint8Array> {
  const encoding = (request.headers["content-encoding"] ?? "identity").toLowerCase();
  const inflater = INFLATERS.get(encoding)?.();
  if (inflater === undefined && encoding !== "identity") {
    throw new Problem("unsupported-media-type", { detail: "The body's encoding is not supported" });
  }
  const announced = announcedBytes(request);
  if (!bytes.count(announced)) throw TOO_MUCH;
  if (inflater === undefined) {
    return getRawBody(request, { limit: BATCH_BYTES_MAX, length: request.headers["content-length"] ?? null });
  }
  // It is not told that no more will come.
  const leave = () => inflater.destroy(NOT_READABLE);
  response.once("close", leave);
  let inflated = 0;
  inflater.on("data", (chunk: Buffer) => {
    inflated += chunk.length;
    if (inflated > announced && !bytes.count(inflated)) inflater.destroy(TOO_MUCH);
  });
  // What goes wrong once nobody reads it any more is no reason to fall.
  inflater.on("error", () => undefined);
  try {
    return await getRawBody(request.pipe(inflater), { limit: BATCH_BYTES_MAX });
  } catch (error) {
    throw error instanceof Error && "status" in error ? error : NOT_READABLE;
  } finally {
    response.off("close", leave);
    request.unpipe(inflater).resume();
    inflater.destroy();
  }
}

/** What does not say how long it is counts as the longest that is read. */
function announcedBytes(request: IncomingMessage): number {
  return Math.min(BATCH_BYTES_MAX, Number(request.headers["content-length"] ?? BATCH_BYTES_MAX));
}
