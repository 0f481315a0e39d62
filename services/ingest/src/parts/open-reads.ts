import type { Service } from "@syncline/kit/process";
import { createQuery, type Database } from "@syncline/store";
import { HeldQueueLimit } from "../io/held-queue-limit.ts";
import { createPgFeed, type PgFeed } from "../io/pg-feed.ts";
import { createPgOperations, type PgOperations } from "../io/pg-operations.ts";
import { createPgReads, type PgReads } from "../io/pg-reads.ts";
import { queryInTurns } from "../io/query-in-turns.ts";

/**
 * The pools of ingest. A process needs few connections, because none is held while a request waits. The feed has a pool
 * of its own, so that its readers take no connection from requests that send batches.
 */
export const POOLS = { ingest: { connectionsMax: 8 }, "ingest-feed": { connectionsMax: 4 } };

const FULL_QUEUES_INTERVAL_MS = 1_000;

/** Everything that ingest reads from Postgres. */
export interface Reads {
  reads: PgReads;
  operations: PgOperations;
  feed: PgFeed;
  heldQueueLimit: HeldQueueLimit;
}

/** Creates the reads, and polls for the full held queues. */
export function openReads(
  service: Pick<Service, "repeat">,
  pools: Database<keyof typeof POOLS>["pools"],
): Reads {
  const query = queryInTurns(createQuery(pools.ingest), POOLS.ingest.connectionsMax);
  const feedQuery = queryInTurns(createQuery(pools["ingest-feed"]), POOLS["ingest-feed"].connectionsMax);
  const operations = createPgOperations(query);
  const heldQueueLimit = new HeldQueueLimit(query, operations);
  service.repeat("the poll of full held queues", () => heldQueueLimit.look(), FULL_QUEUES_INTERVAL_MS);
  return { reads: createPgReads(query), operations, feed: createPgFeed(feedQuery), heldQueueLimit };
}
