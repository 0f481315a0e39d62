import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readFencedBlocks } from "../support/fenced-blocks.ts";
import { borrowSystem, createClient, type Client, type System } from "../support/system.ts";

type FollowEvents = (
  url: string,
  options: {
    getToken: () => Promise<string>;
    onEvent: (event: string, data: { document_id?: string }) => void;
    signal: AbortSignal;
    lastEventId?: string;
    retryMs?: number;
  },
) => Promise<unknown>;

/** Loads the functions that docs/protocol/following.md shows. The block after them calls them. */
async function loadFollowEvents(): Promise<FollowEvents> {
  const blocks = await readFencedBlocks("docs/protocol/following.md", "A reader with fetch");
  const [functions] = blocks.filter(({ language }) => language === "js");
  const source = `${functions?.code}\nexport { followEvents };`;
  const module = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
    followEvents: FollowEvents;
  };
  return module.followEvents;
}

let system: System;
let client: Client;
let followEvents: FollowEvents;
beforeAll(async () => {
  system = await borrowSystem();
  client = await createClient(system);
  followEvents = await loadFollowEvents();
});
afterAll(() => system.stop());

const put = (documentId: string) =>
  client.post({
    device_id: "one",
    operations: [
      { operation: "put", client_id: documentId, document_id: documentId, data: { text: "a\n\nb" } },
    ],
  });
const eventsUrl = () => `${system.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`;
const getToken = () => system.syncline.token({ [client.workspaceId]: "reader" });

it("the documented reader follows the feed with a token, and resumes after a stream has ended", async () => {
  await put("first");
  const seen: string[] = [];
  const leaving = new AbortController();
  const waits = new Map<string, () => void>();
  const whenSeen = (documentId: string) =>
    new Promise<void>((resolve) => {
      if (seen.includes(documentId)) resolve();
      else waits.set(documentId, resolve);
    });
  const following = followEvents(`${eventsUrl()}?since=0`, {
    getToken,
    onEvent: (event, { document_id: documentId = "" }) => {
      if (event !== "change") return;
      seen.push(documentId);
      waits.get(documentId)?.();
    },
    signal: leaving.signal,
    retryMs: 10,
  });
  await whenSeen("first");
  await put("second");
  await whenSeen("second");
  await system.syncline.ingest.restart();
  await put("third");
  await whenSeen("third");
  leaving.abort();
  await following;
  expect(seen).toEqual(["first", "second", "third"]);
});

it("the documented reader returns the problem of a request that cannot succeed", async () => {
  const problem = await followEvents(`${eventsUrl()}?since=0&epoch=another`, {
    getToken,
    onEvent: () => undefined,
    signal: AbortSignal.timeout(30_000),
  });
  expect(problem).toMatchObject({ type: "urn:syncline:problem:epoch-changed", status: 410 });
});

it("the documented reader tries again after a 429", async () => {
  const statuses = [429, 503, 410];
  const server = createServer((_request, response) => {
    const status = statuses.shift() ?? 410;
    response.writeHead(status).end(JSON.stringify({ status }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const problem = await followEvents(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    getToken,
    onEvent: () => undefined,
    signal: AbortSignal.timeout(30_000),
    retryMs: 1,
  });
  await new Promise((resolve) => server.close(resolve));
  expect(problem).toEqual({ status: 410 });
  expect(statuses).toEqual([]);
});
