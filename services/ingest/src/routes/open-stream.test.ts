import { once } from "node:events";
import { connect } from "node:net";
import { createApp, listen } from "@syncline/kit/http";
import { createLogger } from "@syncline/kit/telemetry";
import { expect, it } from "vitest";
import { OpenStreams } from "../core/open-streams.ts";
import { Shares } from "../core/shares.ts";
import { createOpenStream } from "./open-stream.ts";

it("takes no slot for a client that has already left", async () => {
  const streams = new OpenStreams(new Shares({ most: 10, shares: { subject: 1, address: 1 } }));
  const openStream = createOpenStream(streams, { leave: () => undefined });
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: opened, resolve: open } = Promise.withResolvers<boolean>();
  const app = createApp({
    verifyToken: () =>
      Promise.resolve({ subject: "alice", roleByWorkspace: new Map(), expiresAtMs: Date.now() + 60_000 }),
    runAs: (_identity, next) => next(),
    health: (_request, _response, next) => next(),
    addRoutes: (routes) =>
      routes.get("/api/v1/events", async (_request, response) => {
        arrive();
        await once(response, "close");
        open(openStream(response).signal.aborted);
      }),
    log: createLogger({ service: "test", level: "silent" }),
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  const socket = connect(server.port, "127.0.0.1");
  socket.write("GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n");
  await arrived;
  socket.destroy();
  expect(await opened).toBe(true);
  expect(streams.size).toBe(0);
  await server.close();
});
