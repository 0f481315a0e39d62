import type { BatchResult } from "@syncline/shared";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createClient, type Answer, type System } from "./system.ts";

/** How often it asks, and how soon it sends again. */
const PAUSE_MS = 100;
const GIVE_UP_MS = 60_000;

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
}

export async function createDevice(
  system: System,
  options: { workspaceId?: string; deviceId?: string; subject?: string; giveUpMs?: number } = {},
): Promise<Device> {
  const { workspaceId = randomUUID(), deviceId = randomUUID(), subject = "alice" } = options;
  const token = await system.syncline.token({ [workspaceId]: "admin" }, { subject });
  const clients = await Promise.all(
    system.syncline.ingestUrls.map((ingestUrl) => createClient(system, { workspaceId, token, ingestUrl })),
  );
  const lost: string[] = [];
  let turn = 0;
  const nextClient = () => {
    const client = clients[turn++ % clients.length];
    if (client === undefined) throw new Error("A device needs an ingest to speak to.");
    return client;
  };

  /** The answer, or why there is none. */
  async function attempt(request: () => Promise<Answer>): Promise<Answer | { broken: unknown }> {
    try {
      const answer = await request();
      return answer.status >= 500 || answer.status === 429 ? { broken: answer } : answer;
    } catch (error) {
      return { broken: error };
    }
  }

  /** `undefined` where nobody knows the batch any more. */
  async function follow(location: string, giveUpAtMs: number): Promise<Answer | undefined> {
    for (;;) {
      const answer = await attempt(() => nextClient().getAbsolute<BatchResult>(location));
      if ("status" in answer && answer.status === 404) return undefined;
      if ("status" in answer && !/pending|syncing/.test(answer.body.status)) return answer;
      await pause(giveUpAtMs, answer);
    }
  }

  async function pause(giveUpAtMs: number, last: unknown): Promise<void> {
    if (Date.now() > giveUpAtMs) {
      throw new Error(`No final answer came; the last was ${JSON.stringify(last)}`, { cause: last });
    }
    await delay(PAUSE_MS);
  }

  return {
    workspaceId,
    deviceId,
    lost,
    async send(batch, headers) {
      const giveUpAtMs = Date.now() + (options.giveUpMs ?? GIVE_UP_MS);
      for (;;) {
        const answer = await attempt(() => nextClient().post({ device_id: deviceId, ...batch }, headers));
        if ("status" in answer) {
          if (answer.status !== 202) return answer;
          const location = answer.headers.get("location") ?? "";
          const followed = await follow(location, giveUpAtMs);
          if (followed !== undefined) return followed;
          lost.push(location);
        }
        await pause(giveUpAtMs, answer);
      }
    },
  };
}
