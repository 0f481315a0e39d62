import { toRedisError, type Shard } from "@syncline/lanes";
import { laneEntrySchema, readWire } from "@syncline/shared/schemas";
import type { OperationKey, OperationOnLane } from "../core/operation-life.ts";

const PAGE_ENTRIES = 4;
const SEARCH_ENTRIES_MAX = 10_000;
const SEARCH_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Searches a lane, and the workspace's deferred operations, for an operation. The search starts at the head, so that of
 * an operation that was sent twice the first is found, which is the one that counts. It reads a few entries at a time
 * and gives up after a number of entries or bytes: it serves people who look up a single operation.
 */
export type FindOnLane = (
  shard: Shard,
  lane: number,
  key: OperationKey,
) => Promise<OperationOnLane | undefined>;

/**
 * Serializes the page reads of all searches in a process: a page may be 40 MiB, and Redis holds all of it in memory at
 * once.
 */
export function createFindOnLane(): FindOnLane {
  const lastReadByRedis = new Map<Shard["redis"], Promise<unknown>>();

  return async (shard, lane, key) => {
    // The lane is searched first: an entry that moves from it meanwhile, because its workspace is deferred, is found by
    // the second search.
    const onLane = await searchStream(shard, shard.keys.laneStream(lane), key);
    const deferred = await searchStream(shard, shard.keys.deferredStream(lane, key.workspaceId), key);
    return deferred ?? onLane;
  };

  function searchStream(
    shard: Shard,
    stream: string,
    key: OperationKey,
  ): Promise<OperationOnLane | undefined> {
    return search(key, (from) => {
      const before = lastReadByRedis.get(shard.redis) ?? Promise.resolve();
      const page = before.then(() => readPage(shard, stream, from));
      const ended = page.then(
        () => undefined,
        () => undefined,
      );
      lastReadByRedis.set(shard.redis, ended);
      return page;
    });
  }
}

type Page = [string, string[]][];

async function search(
  key: OperationKey,
  readFrom: (from: string) => Promise<Page>,
): Promise<OperationOnLane | undefined> {
  // Entries without this text are not parsed.
  const clientIdJson = JSON.stringify(key.clientId);
  let entriesLeft = SEARCH_ENTRIES_MAX;
  let bytesLeft = SEARCH_BYTES_MAX;
  let from = "-";
  while (entriesLeft > 0 && bytesLeft > 0) {
    const page = await readFrom(from);
    for (const [id, fields] of page) {
      const text = fields[fields.indexOf("entry") + 1] ?? "";
      const found = text.includes(clientIdJson) ? findIn(text, key) : undefined;
      if (found !== undefined) return found;
      entriesLeft -= 1;
      bytesLeft -= text.length;
      from = `(${id}`;
    }
    if (page.length < PAGE_ENTRIES) return undefined;
  }
  return undefined;
}

async function readPage({ redis }: Shard, stream: string, from: string): Promise<Page> {
  try {
    return await redis.xrange(stream, from, "+", "COUNT", PAGE_ENTRIES);
  } catch (error) {
    throw toRedisError(error);
  }
}

function findIn(
  text: string,
  { workspaceId, deviceId, clientId }: OperationKey,
): OperationOnLane | undefined {
  const entry = readWire(laneEntrySchema, text);
  // The drain dead-letters an unreadable entry and logs it.
  if (entry?.kind !== "batch") return undefined;
  const { batch, trace } = entry;
  if (batch.workspaceId !== workspaceId || batch.deviceId !== deviceId) return undefined;
  const operation = batch.operations.find((each) => each.clientId === clientId);
  return operation === undefined ? undefined : { operation, batch, trace };
}
