import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { BoundConnections } from "./bound-connections.ts";

/**
 * How long an idle connection stays open: longer than the proxies in front keep theirs (60 s is usual). Were it the
 * server that closes first, a proxy would now and then send a request into a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 75_000;

/** Headers are small: who takes longer for them is not sending, but holding on to a connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS_DEFAULT = 60_000;
const CONNECTIONS_MAX_DEFAULT = 1_000;
/** Who takes nothing of an answer for so long is let go. Longer than headers may take: those who send them are told. */
const STALL_MS_MAX = 12_000;
/** What does not end by itself within this time of a close is ended: who has not sent a request whole loses nothing by it. */
const CLOSE_MS_MAX = 8_000;
/** How often connections are looked through for those whose time is over. */
const LOOK_MS = 1_000;

/** A server that listens. */
export interface Listening {
  port: number;
  /**
   * Goes on for so long, and sends away whoever is answered meanwhile: each answer ends its connection, so that the next
   * request opens one, to a process that is not about to end. Called before {@link close}, once `/readyz` says no.
   */
  drainConnections(forMs: number): Promise<void>;
  /** Ends idle connections at once, the others when their request is answered, or within a few seconds. */
  close(): Promise<void>;
}

/**
 * @param options - `requestTimeoutMs`: within this time a request has been sent whole, or is answered 408 and let go;
 *   `connectionsMax`: see {@link BoundConnections}
 * @throws when the port is taken, naming it
 */
export async function listen(
  handler: RequestListener,
  options: { host: string; port: number; requestTimeoutMs?: number; connectionsMax?: number },
): Promise<Listening> {
  const answering = new Set<ServerResponse>();
  let keepsAlive = true;
  let closing = false;
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS_DEFAULT, connectionsMax = CONNECTIONS_MAX_DEFAULT } = options;
  const connections = new BoundConnections(connectionsMax);
  const settings: ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
    connectionsCheckingInterval: LOOK_MS,
  };
  const server = createServer(settings, (request, response) => {
    if (!keepsAlive) response.shouldKeepAlive = false;
    answering.add(response);
    connections.beginRequest(request.socket);
    response.once("close", () => {
      answering.delete(response);
      connections.endRequest(request.socket);
      // One whose head was sent before has promised to stay open.
      if (closing) server.closeIdleConnections();
    });
    handler(request, response);
  });
  server.setTimeout(STALL_MS_MAX, (socket) => {
    const unanswered = [...answering].some(
      ({ req, writableEnded }) => req.socket === socket && !writableEnded,
    );
    if (unanswered) socket.setTimeout(STALL_MS_MAX);
    else socket.destroy();
  });
  server.on("connection", (socket) => {
    connections.open(socket);
    socket.once("close", () => setImmediate(() => forgetAnswersOn(socket)));
  });
  /** Before Node 24.16 an answer that waits behind another one of its connection is not told that this has ended. */
  function forgetAnswersOn(socket: Socket): void {
    for (const response of answering) if (response.req.socket === socket) response.emit("close");
  }
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
    async drainConnections(forMs) {
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
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
  await closed.finally(() => clearTimeout(timer));
}
