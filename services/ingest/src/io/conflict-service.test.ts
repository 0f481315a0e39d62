import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { createAskConflictService } from "./conflict-service.ts";

async function ask(answer: RequestListener): Promise<Response> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const path = "/api/v1/workspaces/w/conflicts";
    return await createAskConflictService(`http://127.0.0.1:${port}`)({
      path,
      authorization: "Bearer t",
      requestId: "r",
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it("returns the answer unchanged, including problems", async () => {
  const answer = await ask((request, response) => {
    response.writeHead(404, { "content-type": "application/problem+json", "retry-after": "3" });
    response.end(JSON.stringify({ path: request.url, token: request.headers.authorization }));
  });
  expect([answer.status, answer.ok, answer.headers.get("retry-after")]).toEqual([404, false, "3"]);
  expect(await answer.json()).toEqual({ path: "/api/v1/workspaces/w/conflicts", token: "Bearer t" });
});

it("reports that the service cannot be reached, also if its answer breaks off", async () => {
  const unavailable = { type: "conflict-service-unavailable", status: 502 };
  await expect(ask((_request, response) => response.destroy())).rejects.toMatchObject(unavailable);
  const inTheMiddle = ask((_request, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("{", () => response.destroy());
  });
  await expect(inTheMiddle).rejects.toMatchObject(unavailable);
});
