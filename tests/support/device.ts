import type { BatchResult } from "@syncline/shared/protocol";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { PATIENCE_MS } from "./patience.ts";
import { createClient, type Answer, type Client, type System } from "./system.ts";

/** The pause between polls and between sends. */
const PAUSE_MS = 100;

/** One request of a device and its outcome. */
export interface Attempt {
  /** A request with the batch, or a poll of its status. */
  what: "send" | "status";
  batch: Record<string, unknown>;
  sentAtMs: number;
  endedAtMs: number;
  /** `undefined` if the connection broke or no answer came. */
  answer: Answer | undefined;
  /** The reason why there is no answer. */
  broken?: unknown;
}

export interface DeviceOptions {
  workspaceId?: string;
  deviceId?: string;
  subject?: string;
  giveUpMs?: number;
  /** After this time without an answer a request counts as broken. */
  timeoutMs?: number;
  /** The pause after this number of failed attempts, the last with this answer. Constant by default. */
  pauseMs?: (attempts: number, answer: Answer | undefined) => number;
  /** Called after every request. */
  onAttempt?: (attempt: Attempt) => void;
}

/** A correct client: it rotates over the ingests, and resends a batch until it has the final answer. */
export interface Device {
  workspaceId: string;
  deviceId: string;
  /** The locations of batches that were answered 202 and later unknown: none, as long as Redis keeps its data. */
  lost: readonly string[];
  /**
   * Sends a batch until its final answer. It is resent unchanged after broken connections, 408, 429 and 5xx; a
   * 202 is polled until it is final, and the batch resent if its status is lost.
   */
  send(batch: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  /** Decides a conflict, with the retries of a batch. */
  resolve(
    conflictId: string,
    decision: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Replays a failed operation, with the retries of a batch. */
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
    if (client === undefined) throw new Error("A device needs at least one ingest URL");
    return client;
  };

  /** Returns a usable answer; broken connections, 408, 429 and 5xx are not. */
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
    return answer.status >= 500 || [408, 429].includes(answer.status) ? { broken: answer } : { answer };
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

  /** Returns `undefined` once the batch is unknown. */
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
