import { setTimeout as delay } from "node:timers/promises";
import { backoffMs, PATIENCE_MS, request, type Answer, type Connection } from "./http-client.ts";
import type { JsonObject } from "./json.ts";

/** The outcome of one operation, as the server reports it. */
export interface OperationResult {
  readonly client_id: string;
  readonly status: "success" | "conflict" | "error" | "skipped" | "pending";
  readonly document_id: string;
  readonly version?: number;
  readonly seq?: number;
  readonly error?: string;
  readonly replayed?: boolean;
  readonly merged?: boolean;
  readonly conflict_id?: string;
  readonly rounds?: number;
  readonly overlaps?: number;
}

/** A batch's final results, and the number of requests that sent it. */
export interface BatchOutcome {
  readonly results: readonly OperationResult[];
  readonly sends: number;
}

/** Sends a batch and follows it until no result is pending; sends it again if the server no longer knows it. */
export async function sendBatch(connection: Connection, batch: JsonObject): Promise<BatchOutcome> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let sends = 0; performance.now() < giveUpAt;) {
    const answer = await request(connection, "/api/v1/documents/batch", { body: batch });
    sends += answer.attempts;
    const results = answer.status === 202 ? await followBatch(connection, answer) : readResults(answer);
    if (results !== undefined) return { results, sends };
  }
  throw new Error(`The server kept losing a batch for ${PATIENCE_MS / 1000} s`);
}

/** Polls the batch's status; returns undefined if the server does not know the batch. */
async function followBatch(connection: Connection, accepted: Answer): Promise<OperationResult[] | undefined> {
  if (accepted.location === null) throw new Error("A 202 came without a Location to follow");
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let attempt = 1; performance.now() < giveUpAt; attempt++) {
    const answer = await request(connection, accepted.location, { expected: [404] });
    if (answer.status === 404) return undefined;
    const results = readResults(answer);
    if (results.every((result) => result.status !== "pending")) return results;
    await delay(backoffMs(attempt));
  }
  throw new Error(`${accepted.location} still has pending operations after ${PATIENCE_MS / 1000} s`);
}

function readResults(answer: Answer): OperationResult[] {
  const { results } = answer.body;
  if (!Array.isArray(results)) throw new Error("A batch was answered without results");
  // The shape is not checked; the content is compared with the feed.
  return results as unknown as OperationResult[];
}
