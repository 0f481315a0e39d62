import { createServer, request as sendRequest, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";
import type { AddressInfo } from "node:net";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import type express from "express";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { openBody } from "./compress-answers.ts";
import { createApp } from "./create-app.ts";

type AddRoutes = Parameters<typeof createApp>[0]["addRoutes"];

const LARGE = { text: "the same again and again, ".repeat(400) };

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** Serves routes, and returns a function that asks them. */
function serve(addRoutes: AddRoutes) {
  server = createServer(
    createApp({
      verifyToken: () => Promise.reject(new Error("not needed")),
      health: (_request, _response, next) => next(),
      runAs: (_identity, next) => next(),
      addRoutes,
      log: pino({ level: "silent" }),
    }),
  ).listen(0);
  const { port } = server.address() as AddressInfo;
  return (path: string, acceptEncoding?: string, method = "GET") =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = acceptEncoding === undefined ? {} : { "accept-encoding": acceptEncoding };
      sendRequest({ port, path, method, headers }, resolve).once("error", reject).end();
    });
}

/** Reads an answer with its encoding undone. */
function read(answer: IncomingMessage): Promise<string> {
  const encoding = answer.headers["content-encoding"];
  if (encoding === "br") return text(answer.pipe(createBrotliDecompress()));
  return text(encoding === "gzip" ? answer.pipe(createGunzip()) : answer);
}

describe("whole answers", () => {
  const withAnswers: AddRoutes = (app) => {
    app.get("/large", (_request, response) => void response.json(LARGE));
    app.get("/small", (_request, response) => void response.json({ text: "short" }));
    app.get("/huge", (_request, response) => void response.json("x".repeat(16 * 1024 * 1024)));
    app.get("/tagged", (_request, response) => void response.set("etag", '"7"').json(LARGE));
  };

  it.each([
    ["br", "gzip, deflate, br, zstd"],
    ["br", "*"],
    ["gzip", "gzip"],
    ["gzip", "gzip, br;q=0"],
    [undefined, "deflate, zstd"],
    [undefined, "br;q=0, gzip;q=0"],
    [undefined, undefined],
  ])("are sent as %s to a client that accepts %s", async (encoding, accepted) => {
    const answer = await serve(withAnswers)("/large", accepted);
    expect(answer.headers["content-encoding"]).toBe(encoding);
    expect(answer.headers.vary?.toLowerCase()).toBe("accept-encoding");
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
    const isSmaller = Number(answer.headers["content-length"]) < LARGE.text.length;
    expect(isSmaller).toBe(encoding !== undefined);
    expect(JSON.parse(await read(answer))).toEqual(LARGE);
  });

  it.each(["/small", "/huge"])("are sent as they are if compression is not worth it: %s", async (path) => {
    const answer = await serve(withAnswers)(path, "br");
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(answer.headers.vary?.toLowerCase()).toBe("accept-encoding");
    await read(answer);
  });

  it("keep a weak validator of the version, because the bytes are others", async () => {
    const ask = serve(withAnswers);
    expect((await ask("/tagged")).headers.etag).toBe('"7"');
    expect((await ask("/tagged", "gzip")).headers.etag).toBe('W/"7"');
  });

  it("are not compressed for HEAD", async () => {
    const answer = await serve(withAnswers)("/large", "br", "HEAD");
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(Number(answer.headers["content-length"])).toBeGreaterThan(LARGE.text.length);
  });

  it("are compressed only two at a time; the others are sent as they are", async () => {
    let waiting = 0;
    const { promise: all, resolve: release } = Promise.withResolvers<void>();
    const ask = serve((app) => {
      app.get("/together", async (_request, response) => {
        if (++waiting === 5) release();
        await all;
        response.json(LARGE);
      });
    });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask("/together", "gzip")));
    const encodings = answers.map(({ headers }) => headers["content-encoding"] ?? "none");
    expect(encodings.sort()).toEqual(["gzip", "gzip", "none", "none", "none"]);
    for (const answer of answers) expect(JSON.parse(await read(answer))).toEqual(LARGE);
    const next = await ask("/together", "gzip");
    expect(next.headers["content-encoding"]).toBe("gzip");
  });
});

describe("answers that are written in parts", () => {
  it.each(["br", "gzip", "identity"])("arrive whole as %s", async (encoding) => {
    const ask = serve((app) => {
      app.get("/parts", (_request, response) => {
        const body = openBody(response);
        for (let part = 0; part < 100; part += 1) body.write(`${part}\n`);
        body.end("end");
      });
    });
    const answer = await ask("/parts", encoding);
    expect(answer.headers["content-encoding"] ?? "identity").toBe(encoding);
    const lines = (await read(answer)).split("\n");
    expect([lines.length, lines.at(0), lines.at(-1)]).toEqual([101, "0", "end"]);
  });

  it("end with the connection, on either side", async () => {
    const ended: string[] = [];
    const ask = serve((app: express.Express) => {
      app.get("/:ended", (request, response) => {
        const body = openBody(response);
        body.write("begun");
        (body as unknown as { flush(): void }).flush();
        body.once("close", () => ended.push(request.params.ended));
        if (request.params.ended === "by-server") setImmediate(() => body.destroy());
      });
    });
    (await ask("/by-client", "gzip")).destroy();
    await expect.poll(() => ended).toEqual(["by-client"]);
    await expect(ask("/by-server", "gzip").then(text)).rejects.toThrow();
    await expect.poll(() => ended).toEqual(["by-client", "by-server"]);
  });
});
