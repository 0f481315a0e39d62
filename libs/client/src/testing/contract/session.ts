import type { Role } from "@syncline/shared/protocol";
import type { Answer } from "../../protocol/answer.ts";
import type { Connection, Fetch } from "../../protocol/connection.ts";
import {
  followChanges,
  listConflicts,
  postBatch,
  previewConflict,
  readBatch,
  readChanges,
  readConflict,
  readDocument,
  readOperation,
  readSnapshot,
  resolveConflict,
  type BatchBody,
  type ConflictsQuery,
  type DecisionBody,
  type OperationBody,
} from "../../protocol/index.ts";
import { createNormalizer } from "./normalize.ts";

/** A server that the contract is checked on. */
export interface ContractServer {
  url: string;
  /** The global `fetch` by default. */
  fetch?: Fetch;
  token(subject: string, workspaces: Readonly<Record<string, Role>>): string | Promise<string>;
}

/** An exchange as it is recorded. */
export interface Exchange {
  request: string;
  answer: unknown;
}

/** The sender of a request. */
export interface Sender {
  subject?: string;
  role?: Role;
  /** Sent instead of a token of the server. */
  token?: string;
}

type Batch = Partial<Omit<BatchBody, "operations">> & { operations: readonly object[] };

/** The part of a long request that is recorded. */
const REQUEST_CHARS_MAX = 300;

/** A scenario's requests; each is recorded with its answer. */
export class Session {
  readonly exchanges: Exchange[] = [];
  readonly workspaceId: string;
  readonly #server: ContractServer;
  readonly #normalize = createNormalizer();
  #sender: Sender = {};

  constructor(server: ContractServer, workspaceId: string) {
    this.#server = server;
    this.workspaceId = workspaceId;
    this.#normalize(workspaceId);
  }

  /** Sends the requests of `work` as another sender. */
  async as<T>(sender: Sender, work: () => Promise<T>): Promise<T> {
    const before = this.#sender;
    this.#sender = sender;
    try {
      return await work();
    } finally {
      this.#sender = before;
    }
  }

  /** Sends a batch of device `d1`, unless it names another. */
  post(batch: Batch, options: { waitSeconds?: number } = {}) {
    const body = { workspace_id: this.workspaceId, device_id: "d1", ...batch } as unknown as BatchBody;
    return this.#record(["batch", batch, options], (on) => postBatch(on, body, options));
  }

  /** Sends one operation. */
  async send(operation: Partial<OperationBody> & { operation: string }, batch: Partial<BatchBody> = {}) {
    const answer = await this.post({ ...batch, operations: [{ document_id: "x", ...operation }] });
    return answer.kind === "ok" ? answer.body.results[0] : undefined;
  }

  batch(batchId: string) {
    return this.#record(["batch status", batchId], (on) => readBatch(on, batchId));
  }

  changes(query: Omit<Parameters<typeof readChanges>[2], "since"> & { since?: number } = {}) {
    return this.#record(["changes", query], (on) =>
      readChanges(on, this.workspaceId, { since: 0, ...query }),
    );
  }

  snapshot(query: { after?: string; limit?: number } = {}) {
    const shown = { ...query, ...((query.after?.length ?? 0) > 40 && { after: "cursor" }) };
    return this.#record(["snapshot", shown], (on) => readSnapshot(on, this.workspaceId, query));
  }

  document(documentId = "x", collection = "documents") {
    return this.#record(["document", collection, documentId], (on) =>
      readDocument(on, this.workspaceId, { collection, documentId }),
    );
  }

  conflicts(query: ConflictsQuery = {}) {
    return this.#record(["conflicts", query], (on) => listConflicts(on, this.workspaceId, query));
  }

  conflict(conflictId: string) {
    return this.#record(["conflict", conflictId], (on) => readConflict(on, this.workspaceId, conflictId));
  }

  preview(conflictId: string) {
    return this.#record(["preview", conflictId], (on) => previewConflict(on, this.workspaceId, conflictId));
  }

  resolve(conflictId: string, decision: DecisionBody) {
    return this.#record(["resolve", conflictId, decision], (on) =>
      resolveConflict(on, this.workspaceId, conflictId, decision),
    );
  }

  operation(clientId: string, deviceId?: string) {
    const of = deviceId === undefined ? { clientId } : { clientId, deviceId };
    return this.#record(["operation", of], (on) => readOperation(on, this.workspaceId, of));
  }

  /** Follows the event stream until it has sent a number of events, without heartbeats. */
  async events(
    count: number,
    query: { since?: number; lastEventId?: string; epoch?: string } = {},
  ): Promise<string> {
    const { lastEventId, ...feed } = query;
    const events: unknown[] = [];
    let id = "";
    const stream = followChanges(
      await this.#connection(),
      this.workspaceId,
      { since: 0, ...feed },
      { lastEventId },
    );
    while (events.length < count) {
      const { done, value } = await stream.next();
      if (done) {
        events.push(value);
        break;
      }
      if (value.kind !== "change" && value.kind !== "conflict") continue;
      events.push(value);
      id = value.id;
    }
    await stream.return({ kind: "aborted" });
    this.#note(["events", count, { ...query, ...(lastEventId && { lastEventId: "…" }) }], events);
    return id;
  }

  /** Sends any request, and records its status and the type of its problem. */
  async raw(
    method: "GET" | "POST",
    path: string,
    init: { headers?: Record<string, string>; body?: string } = {},
  ) {
    const { url, token, fetch = globalThis.fetch } = await this.#connection();
    const answer = await fetch(url + path.replace(":workspace", this.workspaceId), {
      method,
      headers: { authorization: `Bearer ${await token()}`, ...init.headers },
      ...(init.body !== undefined && { body: init.body.replace(":workspace", this.workspaceId) }),
      redirect: "manual",
      signal: new AbortController().signal,
    });
    let text = "";
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
      text += decoder.decode(next.value, { stream: true });
    }
    this.#note([method, path, init], {
      status: answer.status,
      body: text === "" ? null : (JSON.parse(text) as unknown),
    });
  }

  async #record<T>(
    request: readonly unknown[],
    send: (on: Connection) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const answer = await send(await this.#connection());
    this.#note(request, answer);
    return answer;
  }

  #note([name, ...parameters]: readonly unknown[], answer: unknown): void {
    const sender = Object.keys(this.#sender).length === 0 ? [] : [{ as: this.#sender }];
    const texts = [...parameters, ...sender]
      .filter((value) => JSON.stringify(value) !== "{}")
      .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
      .map((text) => (text.length > REQUEST_CHARS_MAX ? `${text.slice(0, REQUEST_CHARS_MAX)}…` : text));
    const request = this.#normalize([String(name), ...texts].join(" ")) as string;
    this.exchanges.push({ request, answer: this.#normalize(answer) });
  }

  async #connection(): Promise<Connection> {
    const { subject = "alice", role = "writer", token } = this.#sender;
    const given = token ?? (await this.#server.token(subject, { [this.workspaceId]: role }));
    const { url, fetch } = this.#server;
    return { url, token: () => given, ...(fetch && { fetch }) };
  }
}
