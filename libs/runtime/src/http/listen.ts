import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Headers are small: who takes longer for them is not sending, but holding on to a connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS_DEFAULT = 60_000;
/** How often connections are looked through for those whose time is over. */
const LOOK_MS = 1_000;

/** A server that listens. */
export interface Listening {
  port: number;
  /** Ends idle connections at once, the others when their request is answered. */
  close(): Promise<void>;
}

/**
 * @param options - `requestTimeoutMs`: within this time a request has been sent whole, or is answered 408 and let go
 * @throws when the port is taken, naming it
 */
export async function listen(
  handler: RequestListener,
  options: { host: string; port: number; requestTimeoutMs?: number },
): Promise<Listening> {
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS_DEFAULT } = options;
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: LOOK_MS,
    },
    handler,
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(
        taken ? new Error(`port ${options.port} is taken; set PORT to another one`, { cause: error }) : error,
      );
    });
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
  server.closeIdleConnections();
  await closed;
}
