import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import type { ChangesBody } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { borrowSystem, createClient, type Client, type System } from "../support/system.ts";

const DOCUMENTS = 40;
const data = { text: "the same words again, ".repeat(100) };

describe("a client that accepts compressed answers", () => {
  let system: System;
  let client: Client;
  let token: string;
  beforeAll(async () => {
    system = await borrowSystem();
    client = await createClient(system);
    token = await system.syncline.token({ [client.workspaceId]: "reader" });
    const operations = Array.from({ length: DOCUMENTS }, (_, index) => ({
      operation: "put",
      client_id: randomUUID(),
      document_id: `doc-${index}`,
      data,
    }));
    expect((await client.post({ operations })).body.successful).toBe(DOCUMENTS);
  });
  afterAll(() => system.stop());

  /** Reads an answer as it is on the wire, and its text. */
  async function ask(path: string, acceptEncoding: string) {
    const { promise, resolve, reject } = Promise.withResolvers<{ encoding: string; body: string }>();
    const url = `${system.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}${path}`;
    const headers = { authorization: `Bearer ${token}`, "accept-encoding": acceptEncoding };
    request(url, { headers }, (answer) => {
      const encoding = answer.headers["content-encoding"] ?? "identity";
      let source: NodeJS.ReadableStream = answer;
      if (encoding === "br") source = answer.pipe(createBrotliDecompress());
      if (encoding === "gzip") source = answer.pipe(createGunzip());
      text(source).then((body) => resolve({ encoding, body }), reject);
    })
      .once("error", reject)
      .end();
    return promise;
  }

  it.each(["br", "gzip", "identity"])("gets the same feed page and snapshot as %s", async (encoding) => {
    const feed = await ask("/changes?since=0", encoding);
    expect(feed.encoding).toBe(encoding);
    const { changes } = JSON.parse(feed.body) as ChangesBody;
    expect(changes.map((change) => change.data)).toEqual(Array.from({ length: DOCUMENTS }, () => data));
    const snapshot = await ask("/snapshot", encoding);
    expect(snapshot.encoding).toBe(encoding);
    const lines = snapshot.body.trimEnd().split("\n");
    expect(lines).toHaveLength(DOCUMENTS + 2);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ next: null });
  });

  it("gets the events of a stream at once, uncompressed", async () => {
    const leave = new AbortController();
    const url = `${system.syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`;
    const headers = { authorization: `Bearer ${token}`, "accept-encoding": "br, gzip" };
    const stream = await fetch(url, { headers, signal: leave.signal });
    expect(stream.headers.get("content-encoding")).toBeNull();
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    let received = "";
    while (received.split("event: change").length <= DOCUMENTS) {
      received += (await reader?.read())?.value ?? "";
    }
    leave.abort();
  });
});
