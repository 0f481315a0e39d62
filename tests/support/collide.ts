import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { eventually, type Client } from "./system.ts";

type Data = Record<string, unknown>;

/** A created conflict. */
interface Collision {
  status: number;
  /** The second device's result. */
  result: Record<string, unknown> | undefined;
  record: Data;
  /** The current document. */
  data: Data;
}

export type Collide = (
  collection: string,
  given: { ancestor: Data; remote: Data; local: Data; timestamps?: [number, number] },
  more?: Data,
) => Promise<Collision>;

/** Lets two devices change a document of a collection. `more` is added to the batch of the second one. */
export async function collideOn(
  client: Client,
  ...[collection, given, more]: Parameters<Collide>
): Promise<Collision> {
  const document_id = randomUUID();
  const [remoteTimestamp, localTimestamp] = given.timestamps ?? [];
  const write = (device_id: string, operation: Data, sent: Data = {}) =>
    client.post({
      device_id,
      ...sent,
      operations: [{ collection, document_id, client_id: `${device_id} ${document_id}`, ...operation }],
    });
  const put = (data: Data, timestamp: number | undefined) => ({ operation: "put", data, timestamp });
  await write("dev_1", { operation: "create", data: given.ancestor });
  await write("dev_2", put(given.remote, remoteTimestamp));
  const local = { ...put(given.local, localTimestamp), expected_version: 1 };
  const { status, body } = await untilAnswered(() => write("dev_3", local, more));
  const [result] = body.results;
  const conflictId = result?.conflict_id ?? result?.conflict_data?.conflict_id;
  const record = await untilAnswered(() => client.get<Data>(`/conflicts/${conflictId}`));
  const document = await client.get<{ data: Data }>(`/documents/${collection}/${document_id}`);
  return { status, result: result && { ...result }, record: record.body, data: document.body.data };
}

/** Repeats a request until its answer is final: a busy machine may exceed the maximum wait. */
function untilAnswered<T extends { status: number }>(send: () => Promise<T>): Promise<T> {
  return eventually(async () => {
    const answer = await send();
    expect([202, 502, 503]).not.toContain(answer.status);
    return answer;
  });
}
