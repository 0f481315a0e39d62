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
 * The time that an idle connection stays open: longer than proxies in front keep theirs (60 s is usual). If the server
 * closed first, a proxy would sometimes send a request on a connection that is being closed.
 */
const KEEP_ALIVE_MS = 75_000;

/** The time limit for headers. They are small, so a client that takes longer only occupies a connection. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS_DEFAULT = 60_000;
const CONNECTIONS_MAX_DEFAULT = 1_000;
/**
 * Closes a connection whose client reads nothing of a response for this long. Longer than the limit for headers, whose
 * clients are answered 408.
 */
const STALL_MS_MAX = 12_000;
/** The time after {@link Listening.close} at which open connections are closed. An incomplete request loses no data. */
const CLOSE_MS_MAX = 8_000;
/** The interval at which connections are checked for exceeded time limits. */
const LOOK_MS = 1_000;

/** A listening server. */
export interface Listening {
  port: number;
  /**
   * Continues to serve for this long, but each response closes its connection, so that clients open their next one to
   * another process. Call it before {@link close}, once `/readyz` answers 503.
   */
  drainConnections(forMs: number): Promise<void>;
  /** Closes idle connections immediately, the others after their response or within {@link CLOSE_MS_MAX}. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param options - `requestTimeoutMs`: a request that is not complete by then is answered 408 and its connection
 *   closed; `connectionsMax`: see {@link BoundConnections}
 * @throws an error that names the port if it is taken
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
      // A response whose head was already sent has promised to keep its connection alive.
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
  /**
   * Emits `close` on the responses of a closed connection: before Node 24.16 a response that waits behind another one
   * of its connection does not get the event.
   */
  function forgetAnswersOn(socket: Socket): void {
    for (const response of answering) if (response.req.socket === socket) response.emit("close");
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(
        taken ? new Error(`port ${options.port} is taken; set PORT to a free port`, { cause: error }) : error,
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
