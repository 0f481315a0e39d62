import type { BatchResult } from "@syncline/shared";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { PATIENCE_MS } from "./patience.ts";
import { createClient, type Answer, type Client, type System } from "./system.ts";

/** How often it asks, and how soon it sends again. */
const PAUSE_MS = 100;

/** One request of a device and what came of it. */
export interface Attempt {
  /** The batch was sent, or its status was asked for. */
  what: "send" | "status";
  batch: Record<string, unknown>;
  sentAtMs: number;
  endedAtMs: number;
  /** `undefined` where the connection broke or nothing came. */
  answer: Answer | undefined;
  /** Why there is no answer. */
  broken?: unknown;
}

export interface DeviceOptions {
  workspaceId?: string;
  deviceId?: string;
  subject?: string;
  giveUpMs?: number;
  /** After so long without an answer a request counts as broken. */
  timeoutMs?: number;
  /** How long to wait after so many attempts in vain, the last with this answer. Left out, always the same. */
  pauseMs?: (attempts: number, answer: Answer | undefined) => number;
  /** Told of every request that has ended. */
  onAttempt?: (attempt: Attempt) => void;
}

/** A client as it should be: it goes to every ingest in turn, and sends a batch again until it has the final answer. */
export interface Device {
  workspaceId: string;
  deviceId: string;
  /** Where the batches were that it had a 202 for and that nobody knew later: none, as long as Redis keeps its data. */
  lost: readonly string[];
  /**
   * Sends a batch until it is answered for good. What breaks, and 429, 503 and other 5xx, send it again as it is; a 202
   * is followed until it is final, and sent again where its status is lost.
   */
  send(batch: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  /** Decides a conflict, sending that again as it does a batch. */
  resolve(
    conflictId: string,
    decision: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Has an operation that ended as an error replayed, sending that again as it does a batch. */
  replay(clientId: string, headers?: Record<string, string>): Promise<Answer>;
}

export async function createDevice(
  system: Pick<System, "syncline">,
  options: DeviceOptions = {},
): Promise<Device> {
  const { workspaceId = randomUUID(), deviceId = randomUUID(), subject = "alice" } = options;
  const token = await system.syncline.token({ [workspaceId]: "admin" }, { subject });
  const clients = await Promise.all(
    system.syncline.ingestUrls.map((ingestUrl) =>
      createClient(system, {
        workspaceId,
        token,
        ingestUrl,
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      }),
    ),
  );
  const lost: string[] = [];
  let turn = 0;
  const nextClient = () => {
    const client = clients[turn++ % clients.length];
    if (client === undefined) throw new Error("A device needs an ingest to speak to.");
    return client;
  };

  /** The answer where it is one to go by; what breaks, and 429 and 5xx, are not. */
  async function attempt(
    what: Attempt["what"],
    batch: Attempt["batch"],
    request: () => Promise<Answer>,
  ): Promise<{ answer?: Answer; broken?: unknown }> {
    const sentAtMs = Date.now();
    const outcome: { answer: Answer | undefined; broken?: unknown } = await request().then(
      (answer) => ({ answer }),
      (broken: unknown) => ({ answer: undefined, broken }),
    );
    options.onAttempt?.({ what, batch, sentAtMs, endedAtMs: Date.now(), ...outcome });
    const { answer } = outcome;
    if (answer === undefined) return { broken: outcome.broken };
    return answer.status >= 500 || answer.status === 429 ? { broken: answer } : { answer };
  }

  /** Waits between attempts, and gives up in the end. */
  function createPatience(): (last: unknown) => Promise<void> {
    const giveUpAtMs = Date.now() + (options.giveUpMs ?? 2 * PATIENCE_MS);
    let attempts = 0;
    return async (last) => {
      if (Date.now() > giveUpAtMs) {
        throw new Error(`No final answer came; the last was ${JSON.stringify(last)}`, { cause: last });
      }
      const answer =
        typeof last === "object" && last !== null && "status" in last ? (last as Answer) : undefined;
      await delay(options.pauseMs?.(++attempts, answer) ?? PAUSE_MS);
    };
  }

  /** `undefined` where nobody knows the batch any more. */
  async function follow(
    batch: Attempt["batch"],
    location: string,
    pause: (last: unknown) => Promise<void>,
  ): Promise<Answer | undefined> {
    for (;;) {
      const { answer, broken } = await attempt("status", batch, () =>
        nextClient().getAbsolute<BatchResult>(location),
      );
      if (answer?.status === 404) return undefined;
      if (answer !== undefined && !/pending|syncing/.test(answer.body.status)) return answer;
      await pause(answer ?? broken);
    }
  }

  async function insist(batch: Attempt["batch"], ask: (client: Client) => Promise<Answer>): Promise<Answer> {
    const pause = createPatience();
    for (;;) {
      const { answer, broken } = await attempt("send", batch, () => ask(nextClient()));
      if (answer !== undefined) {
        if (answer.status !== 202) return answer;
        const location = answer.headers.get("location") ?? "";
        const followed = await follow(batch, location, pause);
        if (followed !== undefined) return followed;
        lost.push(location);
      }
      await pause(answer ?? broken);
    }
  }

  return {
    workspaceId,
    deviceId,
    lost,
    send(batch, headers) {
      const body = { device_id: deviceId, ...batch };
      return insist(batch, (client) => client.post(body, headers));
    },
    resolve: (conflictId, decision, headers) =>
      insist(decision, (client) => client.resolve(conflictId, decision, headers)),
    replay: (clientId, headers) =>
      insist({ client_id: clientId }, (client) => client.replay(clientId, deviceId, headers)),
  };
}
