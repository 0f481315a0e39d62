import { createServer, type RequestListener, type ServerResponse } from "node:http";
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
  const responses = new Set<ServerResponse>();
  let closing = false;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    responses.add(response);
    response.once("close", () => {
      responses.delete(response);
      if (closing) server.closeIdleConnections();
    });
    if (closing) response.setHeader("connection", "close");
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
  async function close(): Promise<void> {
    closing = true;
    const closed = new Promise<void>((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()));
    });
    // Who waits for an answer is told with it not to send anything more on this connection.
    for (const response of responses) if (!response.headersSent) response.setHeader("connection", "close");
    server.closeIdleConnections();
    await closed;
  }

  return { port: (server.address() as AddressInfo).port, close };
}
