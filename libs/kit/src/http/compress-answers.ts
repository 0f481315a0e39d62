import { pipeline, type Writable } from "node:stream";
import * as zlib from "node:zlib";
import type { Response } from "express";

type Encoding = "br" | "gzip";
/** The supported encodings, the preferred one first. */
const ENCODINGS: readonly Encoding[] = ["br", "gzip"];

const BROTLI: zlib.BrotliOptions = {
  params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4, [zlib.constants.BROTLI_PARAM_LGWIN]: 18 },
};
const GZIP: zlib.ZlibOptions = { level: 1 };

/** A smaller answer fits into one packet as it is. */
const BYTES_MIN = 1_400;
/** A larger answer would occupy a thread for a second. */
const BYTES_MAX = 16 * 1024 * 1024;
/**
 * Limit on the whole answers that a process compresses at once: half of the threads that Node.js has for this, because
 * the signatures of tokens and look-ups of addresses need them too. Further answers are sent as they are.
 */
const COMPRESSIONS_MAX = 2;

type Compress = (body: Buffer, done: (error: Error | null, compressed: Buffer) => void) => void;
const COMPRESS: Readonly<Record<Encoding, Compress>> = {
  br: (body, done) => zlib.brotliCompress(body, BROTLI, done),
  gzip: (body, done) => zlib.gzip(body, GZIP, done),
};
const CREATE_COMPRESSOR: Readonly<Record<Encoding, () => zlib.BrotliCompress | zlib.Gzip>> = {
  br: () => zlib.createBrotliCompress(BROTLI),
  gzip: () => zlib.createGzip(GZIP),
};

/**
 * Compresses a whole body if its client asked for that and it is worth the work, and passes it on to `send`. The work is
 * done on Node's threads for such tasks, outside the thread that answers requests.
 */
export type CompressBody = (
  response: Response,
  body: string | Buffer,
  send: (body: string | Buffer) => void,
) => void;

export function createCompressBody(): CompressBody {
  let running = 0;
  return (response, body, send) => {
    const encoding = encodingFor(response);
    const length = Buffer.byteLength(body);
    if (encoding === undefined || length < BYTES_MIN || length > BYTES_MAX || running >= COMPRESSIONS_MAX) {
      send(body);
      return;
    }
    running += 1;
    COMPRESS[encoding](typeof body === "string" ? Buffer.from(body) : body, (error, compressed) => {
      running -= 1;
      if (response.closed) return;
      if (error !== null) {
        send(body);
        return;
      }
      setEncoding(response, encoding);
      send(compressed);
    });
  };
}

/**
 * Returns the stream to write a response of any length to: the response itself, or a compressor in front of it if the
 * client asked for one. Destroying either one destroys both.
 */
export function openBody(response: Response): Writable {
  const encoding = encodingFor(response);
  if (encoding === undefined) return response;
  setEncoding(response, encoding);
  const compressor = CREATE_COMPRESSOR[encoding]();
  pipeline(compressor, response, () => {});
  return compressor;
}

/** Returns the best encoding that the client accepts, `undefined` for none. The answer names the header as its reason. */
function encodingFor(response: Response): Encoding | undefined {
  const { req: request } = response;
  response.vary("accept-encoding");
  if (request.method === "HEAD" || response.getHeader("content-encoding") !== undefined) return undefined;
  return ENCODINGS.find((encoding) => request.acceptsEncodings(encoding) === encoding);
}

function setEncoding(response: Response, encoding: Encoding): void {
  response.set("content-encoding", encoding);
  // Other bytes need another strong validator; a weak one still names the version.
  const etag = response.get("etag");
  if (etag?.startsWith('"')) response.set("etag", `W/${etag}`);
}
