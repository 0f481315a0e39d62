import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * How long an idle connection stays open: longer than the proxies in front keep theirs (60 s is usual). Were it the
 * server that closes first, a proxy would now and then send a request into a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 75_000;

/** A server that listens. */
export interface Listening {
  port: number;
  /** Ends idle connections at once, the others when their request is answered. */
  close(): Promise<void>;
}

/** @throws when the port is taken, naming it */
export async function listen(
  handler: RequestListener,
  options: { host: string; port: number },
): Promise<Listening> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handler);
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
