import type { BatchResult } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { positionOf, type FeedQuery } from "./feed.ts";
import { objectWith, pathOf, request } from "./send-request.ts";
import type { BatchAnswer, BatchBody } from "./wire.ts";

/** Options of {@link postBatch}. */
export interface PostBatchOptions extends RequestOptions {
  /** Longest time in which the server waits for results, in seconds; its own bound by default. */
  waitSeconds?: number;
  /** The answer brings the next page of the feed: one round trip to sync. */
  feed?: Omit<FeedQuery, "deviceId"> & { limit?: number };
  /** True for a batch that is sent while its page is closed. */
  keepalive?: boolean;
}

/** Sends a batch. Sending it again, unchanged, has no second effect and returns the recorded results. */
export async function postBatch(
  connection: Connection,
  batch: BatchBody,
  options: PostBatchOptions = {},
): Promise<Answer<BatchAnswer>> {
  const { waitSeconds, feed, keepalive = false } = options;
  const prefer = waitSeconds === undefined ? undefined : { prefer: `wait=${waitSeconds}` };
  const answer = await request(
    connection,
    {
      method: "POST",
      path: pathOf(["documents", "batch"], feed && { ...positionOf(feed), limit: feed.limit }),
      ...(prefer && { headers: prefer }),
      body: JSON.stringify(batch),
      keepalive,
    },
    options,
    objectWith<BatchAnswer>("results"),
  );
  if (answer.kind !== "ok" || answer.status !== 202) return answer;
  return { ...answer, body: { ...answer.body, location: pathOf(["batches", answer.body.batch_id]) } };
}

/** Reads the status and results of a batch that was answered 202. A `not-found` batch must be sent again. */
export function readBatch(
  connection: Connection,
  batchId: string,
  options: RequestOptions = {},
): Promise<Answer<BatchResult>> {
  return request(
    connection,
    { method: "GET", path: pathOf(["batches", batchId]) },
    options,
    objectWith("results"),
  );
}
