import { Agent, maxHeaderSize, request as httpRequest } from "node:http";
import type { FuzzRequest } from "./requests.ts";

/** The received answer. */
export interface FuzzAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  durationMs: number;
}

/** An endless stream is left after this time. */
const STREAM_MS = 20;
const HANG_MS = 30_000;

export const createAgent = (): Agent => new Agent({ keepAlive: true, maxSockets: 64 });

/**
 * Node answers 431 and closes the connection in the middle of a head that is too long. The client may get the reset
 * before that answer.
 */
const HUNG_UP_ON: FuzzAnswer = { status: 431, headers: {}, text: "", durationMs: 0 };

function headOf(path: string, headers: object): string {
  return path + JSON.stringify(headers);
}

/** A reused connection was closed just as the request was sent. */
class StaleConnection extends Error {}

/**
 * Sends a request, and reads the whole answer, or the beginning of an event stream.
 * @throws if no answer came
 */
export async function sendRequest(
  request: FuzzRequest,
  options: { url: string; agent: Agent },
): Promise<FuzzAnswer> {
  for (;;) {
    try {
      return await sendOnce(request, options);
    } catch (error) {
      // The server did not process the request, so every client must retry it.
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

function sendOnce(
  { method, path, headers, body }: FuzzRequest,
  options: { url: string; agent: Agent },
): Promise<FuzzAnswer> {
  const { hostname, port } = new URL(options.url);
  // Node omits the length if a method usually has no body, and the body would be taken for the next request.
  const framed = body === undefined ? headers : { ...headers, "content-length": body.length };
  const startedAtMs = performance.now();
  let isLeft = false;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { hostname, port, agent: options.agent, method, path, headers: framed },
      (response) => {
        const chunks: Buffer[] = [];
        const finish = () => {
          clearTimeout(timer);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
            durationMs: performance.now() - startedAtMs,
          });
        };
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("end", finish);
        response.once("error", (error) => {
          if (isLeft) finish();
          else reject(error);
        });
        if (response.headers["content-type"]?.startsWith("text/event-stream")) {
          setTimeout(() => {
            isLeft = true;
            sent.destroy();
          }, STREAM_MS);
        }
      },
    );
    const timer = setTimeout(() => sent.destroy(new Error(`No answer in ${HANG_MS} ms`)), HANG_MS);
    sent.once("error", (error) => {
      clearTimeout(timer);
      const isReset = "code" in error && error.code === "ECONNRESET";
      if (isReset && headOf(path, framed).length > maxHeaderSize) return resolve(HUNG_UP_ON);
      reject(isReset && sent.reusedSocket ? new StaleConnection() : error);
    });
    sent.end(body);
  });
}
