import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * How long an idle connection stays open: longer than the proxies in front keep theirs (60 s is usual). Were it the
 * server that closes first, a proxy would now and then send a request into a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 75_000;

/** Headers are small: who takes longer for them is not sending, but holding on to a connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS_DEFAULT = 60_000;
/** How often connections are looked through for those whose time is over. */
const LOOK_MS = 1_000;

/** A server that listens. */
export interface Listening {
  port: number;
  /**
   * Goes on for so long, and sends away whoever is answered meanwhile: each answer ends its connection, so that the next
   * request opens one, to a process that is not about to end. Called before {@link close}, once `/readyz` says no.
   */
  sendAway(forMs: number): Promise<void>;
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
  const answering = new Set<ServerResponse>();
  let keepsAlive = true;
  let closing = false;
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS_DEFAULT } = options;
  const settings: ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
    connectionsCheckingInterval: LOOK_MS,
  };
  const server = createServer(settings, (request, response) => {
    if (!keepsAlive) response.shouldKeepAlive = false;
    answering.add(response);
    response.once("close", () => {
      answering.delete(response);
      // One whose head was sent before has promised to stay open.
      if (closing) server.closeIdleConnections();
    });
    handler(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(
        taken ? new Error(`port ${options.port} is taken; set PORT to another one`, { cause: error }) : error,
      );
    });
    server.listen(options.port, options.host, resolve);
  });
  const stopKeepingAlive = () => {
    keepsAlive = false;
    for (const response of answering) response.shouldKeepAlive = false;
  };
  return {
    port: (server.address() as AddressInfo).port,
    async sendAway(forMs) {
      stopKeepingAlive();
      await delay(forMs);
    },
    close() {
      stopKeepingAlive();
      closing = true;
      return closeServer(server);
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
  server.closeIdleConnections();
  await closed;
}
