import { randomUUID } from "node:crypto";
import type { BatchResult, ChangeBody, ChangesBody, OperationResult } from "@syncline/shared/protocol";
import { expect } from "vitest";
import type { LaneTap } from "../support/lane-tap.ts";
import { createDevice } from "../support/device.ts";
import { createClient, eventually, type Answer, type Client, type System } from "../support/system.ts";
import type { DecisionDraft, History, Step } from "./arbitraries.ts";
import { Composer } from "./compose-batch.ts";
import { DeviceReader } from "./device-reader.ts";
import type { Mischief } from "./mischief.ts";
import { namedIdOf, type SentBatch } from "./sent-batch.ts";

/** The environment in which histories are played. */
export interface Stage {
  system: System;
  tap: LaneTap;
  /** With faults devices resend until they get a final answer; without them the first request must succeed. */
  mischief?: Mischief;
}

/** A batch with its final answer. */
export interface Answered {
  batch: SentBatch;
  /** The source of the answer: the request, or a poll after a 202; either, if devices resent it. */
  by: "request" | "lookup" | "either";
  status: number;
  body: BatchResult;
}

/** A workspace after a history: the requests, the answers and the feed. */
export interface Played {
  client: Client;
  batchByRequestId: ReadonlyMap<string, SentBatch>;
  answered: readonly Answered[];
  /** The requests of decisions that were answered 409. */
  outdated: ReadonlySet<string>;
  /** The requests of decisions during which no other work was pending. */
  quiet: ReadonlySet<string>;
  /** The changes that a reader of the feed has read. */
  followed: readonly ChangeBody[];
  /** The last `seq` of each page of the reader. */
  pageEnds: readonly number[];
  /** The devices that have followed the outcomes of their operations. */
  deviceReaders: ReadonlyMap<string, DeviceReader>;
}

const WORKSPACES = 2;
/** Far beyond any wait. */
const PLAY_MS_MAX = 900_000;

/** Plays a history in new workspaces, until every batch has its final answer and the lanes are empty. */
export async function playHistory(history: History, stage: Stage): Promise<Played[]> {
  const { system, tap, mischief } = stage;
  const players = await Promise.all(
    Array.from({ length: WORKSPACES }, async () => {
      const client = await createClient(system);
      const { workspaceId } = client;
      const device = mischief && (await createDevice(system, { workspaceId, giveUpMs: PLAY_MS_MAX }));
      return new Player(client, device && ((batch, headers) => device.send(batch, headers)));
    }),
  );
  const underWay = new Map<string, Promise<void>[]>();
  for (const [index, step] of history.entries()) {
    const player = players[step.workspace];
    if (player === undefined) throw new Error("A history names an unknown workspace");
    const device = `${step.workspace} ${step.device}`;
    if (step.fault !== undefined) await mischief?.arm(step.fault);
    if (step.after === "own") await Promise.all(underWay.get(device) ?? []);
    if (step.after === "all") await Promise.all([...underWay.values()].flat());
    const isAlone = step.after === "all" && (history[index + 1]?.after ?? "all") === "all";
    const taking = player.take(step, isAlone);
    // The awaiting code gets the failure; this only prevents an unhandled rejection.
    taking.catch(() => undefined);
    underWay.set(device, [...(underWay.get(device) ?? []), taking]);
  }
  await Promise.all([...underWay.values()].flat());
  await eventually(async () => {
    await tap.catchUp();
    const entries = players.flatMap(({ client }) => tap.entriesOf(client.workspaceId));
    expect(entries.filter(({ removal }) => removal === undefined).length).toBe(0);
  }, PLAY_MS_MAX);
  await Promise.all(players.map((player) => Promise.all([player.readOn(1_000), player.readOutcomes()])));
  return players;
}

/** Plays all devices and a reader in one workspace. */
class Player implements Played {
  readonly client: Client;
  readonly batchByRequestId = new Map<string, SentBatch>();
  readonly answered: Answered[] = [];
  readonly outdated = new Set<string>();
  readonly quiet = new Set<string>();
  readonly followed: ChangeBody[] = [];
  readonly pageEnds: number[] = [];
  readonly deviceReaders = new Map<string, DeviceReader>();
  readonly #composer = new Composer();
  #reading: Promise<void> = Promise.resolve();

  readonly #sendAgain: Client["post"] | undefined;

  /** @param sendAgain - sends until there is a final answer, whatever fails; without it no request may fail */
  constructor(client: Client, sendAgain?: Client["post"]) {
    this.client = client;
    this.#sendAgain = sendAgain;
  }

  async take(step: Step, isAlone: boolean): Promise<void> {
    if (step.decision !== undefined) return this.#decide(step.decision, step.twice, isAlone);
    const batch = this.#composer.compose(step);
    if (step.faulty) await this.#sendFaulty(batch);
    const copies = step.twice ? 2 : 1;
    const reading = step.read > 0 ? this.readOn(step.read) : undefined;
    await Promise.all(Array.from({ length: copies }, () => this.#send(batch, step.async)));
    await reading;
    if (batch.device_id !== undefined) {
      await this.#readerOf(batch.device_id).readOn(Math.max(1, step.read), "page");
    }
  }

  /** Reads the outcomes of every device to their end. */
  async readOutcomes(): Promise<void> {
    await Promise.all([...this.deviceReaders.values()].map((reader) => reader.readOn(1_000, "end")));
  }

  #readerOf(device: string): DeviceReader {
    const known = this.deviceReaders.get(device);
    if (known !== undefined) return known;
    const reader = new DeviceReader(
      device,
      async (query) =>
        (await this.#insist([200], () => this.client.get<Required<ChangesBody>>(`/changes?${query}`))).body,
    );
    this.deviceReaders.set(device, reader);
    return reader;
  }

  /** Reads up to this number of changes from the feed, from the last position on. */
  readOn(limit: number): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readPage(limit));
    return this.#reading;
  }

  async #readPage(limit: number): Promise<void> {
    const since = this.followed.at(-1)?.seq ?? 0;
    const { body } = await this.#insist([200], () =>
      this.client.get<{ changes: ChangeBody[] }>(`/changes?since=${since}&limit=${limit}`),
    );
    this.followed.push(...body.changes);
    const end = body.changes.at(-1)?.seq;
    if (end !== undefined) this.pageEnds.push(end);
  }

  async #send(batch: SentBatch, isAsync: boolean): Promise<void> {
    const requestId = randomUUID();
    this.batchByRequestId.set(requestId, batch);
    const headers = { "x-request-id": requestId, ...(isAsync && { prefer: "respond-async" }) };
    if (this.#sendAgain !== undefined) {
      // Sends `device_id: undefined` explicitly for a batch without a device.
      const answer = await this.#sendAgain({ ...batch, device_id: batch.device_id }, headers);
      return this.#hear({ batch, by: "either", ...answer });
    }
    const first = await this.client.post({ ...batch }, headers);
    if (first.status === 202) {
      const { body } = first;
      if (isAsync) expect(body.results).toEqual(batch.operations.map(pendingResult));
      const location = first.headers.get("location") ?? "";
      this.#hear({ batch, by: "lookup", ...(await this.#follow(location)) });
      return;
    }
    this.#hear({ batch, by: "request", ...first });
  }

  /** One person decides, or two at once. */
  async #decide(draft: DecisionDraft, isTwice: boolean, isAlone: boolean): Promise<void> {
    const isStalled = isAlone && !isTwice && this.#sendAgain === undefined;
    const batches = Array.from({ length: isTwice ? 2 : 1 }, () => this.#composer.composeDecision(draft));
    const composed = batches.filter((batch) => batch !== undefined);
    await Promise.all(composed.map((batch) => this.#sendDecision(batch, isStalled)));
  }

  async #sendDecision(batch: SentBatch, isStalled: boolean): Promise<void> {
    const requestId = randomUUID();
    this.batchByRequestId.set(requestId, batch);
    if (isStalled) this.quiet.add(requestId);
    const [operation] = batch.operations;
    const { conflict_id: conflictId = "", ...decision } = operation?.decision ?? {};
    const body = {
      ...decision,
      client_id: operation?.client_id,
      expected_version: operation?.expected_version,
    };
    const answer = await this.#insist([200, 202, 409], () =>
      this.client.resolve(conflictId, body, { "x-request-id": requestId }),
    );
    if (answer.status === 200) return this.#hear({ batch, by: "request", ...answer });
    if (answer.status === 202) {
      const location = answer.headers.get("location") ?? "";
      return this.#hear({ batch, by: "lookup", ...(await this.#follow(location)) });
    }
    expect(answer.body).toMatchObject({ type: "urn:syncline:problem:decision-outdated" });
    this.outdated.add(requestId);
  }

  #follow(location: string): Promise<Answer> {
    return eventually(async () => {
      const found = await this.client.getAbsolute<BatchResult>(location);
      expect(found.status).toBe(200);
      expect(found.body.status).not.toMatch(/pending|syncing/);
      return found;
    }, PLAY_MS_MAX);
  }

  /** Retries until the status is one of these; without faults the first request must succeed. */
  async #insist<T>(statuses: readonly number[], ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
    const look = async () => {
      const answer = await ask();
      expect(statuses, JSON.stringify(answer.body)).toContain(answer.status);
      return answer;
    };
    return this.#sendAgain === undefined ? look() : eventually(look, PLAY_MS_MAX);
  }

  #hear({ batch, by, status, body }: Answered): void {
    expect([200, 409], JSON.stringify({ batch, body })).toContain(status);
    this.answered.push({ batch, by, status, body });
    this.#composer.hear(batch, body.results);
  }

  async #sendFaulty(batch: SentBatch): Promise<void> {
    const [first, ...others] = batch.operations;
    const faulty = {
      ...first,
      operation: "put",
      document_id: "one",
      data: { id: "another" },
      patch: undefined,
    };
    await this.#insist([422], () => this.client.post({ ...batch, operations: [faulty, ...others] }));
  }
}

function pendingResult(operation: SentBatch["operations"][number]): OperationResult {
  const documentId = namedIdOf(operation);
  return {
    client_id: operation.client_id,
    status: "pending",
    ...(documentId !== undefined && { document_id: documentId }),
  };
}
