import { Agent, request as httpRequest } from "node:http";
import type { FuzzRequest } from "./requests.ts";

/** What came back. */
export interface FuzzAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  durationMs: number;
}

/** What goes on for ever is left after so long. */
const STREAM_MS = 20;
const HANG_MS = 30_000;

export const createAgent = (): Agent => new Agent({ keepAlive: true, maxSockets: 64 });

/**
 * Sends a request, and reads the answer whole; of an event stream the beginning.
 * @throws where no answer came
 */
export function sendRequest(
  { method, path, headers, body }: FuzzRequest,
  options: { url: string; agent: Agent },
): Promise<FuzzAnswer> {
  const { hostname, port } = new URL(options.url);
  const startedAtMs = performance.now();
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ hostname, port, agent: options.agent, method, path, headers }, (response) => {
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
        // One that we left.
        if (sent.destroyed) finish();
        else reject(error);
      });
      if (response.headers["content-type"]?.startsWith("text/event-stream")) {
        setTimeout(() => sent.destroy(), STREAM_MS);
      }
    });
    const timer = setTimeout(() => sent.destroy(new Error(`No answer in ${HANG_MS} ms`)), HANG_MS);
    sent.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(body);
  });
}
