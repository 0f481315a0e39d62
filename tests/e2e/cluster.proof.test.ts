import { randomUUID } from "node:crypto";
import { createBarrier, openRedis, shardTags, slotOf } from "@syncline/lanes";
import { migrate } from "@syncline/store";
import { laneOf, type BatchResult, type ChangesBody } from "@syncline/shared/protocol";
import {
  startLocalStores,
  startSyncline,
  testedPrograms,
  type LocalStores,
  type RunningSyncline,
} from "@syncline/stack";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFaults, type Faults } from "../faults/faults.ts";
import { scrape, valueOf } from "../support/metrics.ts";
import { createClient, eventually, type Answer, type Client } from "../support/system.ts";

const SHARDS = 4;

let faults: Faults;
let stores: LocalStores;
let syncline: RunningSyncline;
/** Direct connections to each node. */
let nodes: Redis[];
/** One for a workspace of each shard. */
let clients: Client[];
beforeAll(async () => {
  faults = await openFaults();
  stores = await startLocalStores({ cluster: true });
  const { databaseServerUrl: databaseUrl, redisUrl, home } = stores;
  await migrate({ databaseUrl });
  nodes = redisUrl.split(",").map((url) => new Redis(url, { retryStrategy: () => 100 }));
  for (const node of nodes) node.on("error", () => undefined); // some are killed here
  syncline = await startSyncline({
    databaseUrl,
    redisUrl,
    home,
    programs: testedPrograms(),
    workers: 2,
    env: {
      REDIS_CLUSTER: "true",
      REDIS_SHARDS: String(SHARDS),
      MERGE_BACKOFF_MS_MIN: "10",
      ...faults.env,
    },
  });
  clients = await Promise.all(
    Array.from({ length: SHARDS }, (_, shard) => createClient({ syncline }, { workspaceId: on(shard) })),
  );
});
afterAll(async () => {
  await syncline.stop();
  for (const node of nodes) node.disconnect();
  await stores.stop();
  faults.close();
});

/** Returns a workspace of a shard. */
function on(shard: number): string {
  let workspaceId: string;
  do workspaceId = randomUUID();
  while (laneOf(workspaceId, SHARDS) !== shard);
  return workspaceId;
}

function firstNode(): Redis {
  const [node] = nodes as [Redis];
  return node;
}

let operations = 0;
const create = (fields = {}) => {
  const id = `c${++operations}`;
  return { operation: "create", client_id: id, document_id: id, data: { a: 1, b: 1 }, ...fields };
};

/** The node that is a shard's master, as another node sees it. */
async function masterOf(shard: number, seenBy: Redis): Promise<number> {
  const slot = slotOf(shardTags(SHARDS)[shard] ?? "");
  const ranges = await seenBy.cluster("SLOTS");
  const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[1];
  return nodes.findIndex(({ options }) => options.port === port);
}

async function untilSettled(client: Client, { headers }: Answer): Promise<BatchResult> {
  return eventually(async () => {
    const { body } = await client.getAbsolute<BatchResult>(headers.get("location") ?? "");
    expect(body.status).toBe("completed");
    return body;
  });
}

describe("on a Redis Cluster", () => {
  it("a batch is processed on every shard, and the masters share the shards", async () => {
    const answers = await Promise.all(
      clients.map((client) => client.post({ device_id: "dev_1", operations: [create(), create()] })),
    );
    expect(answers.map(({ status, body }) => [status, body.successful])).toEqual(
      Array.from(clients, () => [200, 2]),
    );
    const masters = await Promise.all(clients.map((_, shard) => masterOf(shard, firstNode())));
    expect(new Set(masters)).toEqual(new Set([0, 1, 2]));
    for (const master of new Set(masters)) {
      const keys = await nodes[master]?.keys("{syncline*}:answered:*");
      expect(keys?.length).toBeGreaterThan(0);
    }
  });

  it("202 is answered, its status is found on the workspace's shard, and it is committed", async () => {
    for (const client of clients) {
      const answer = await client.post({ operations: [create()] }, { prefer: "respond-async" });
      expect(answer.status).toBe(202);
      await untilSettled(client, answer);
    }
  });

  it("a conflict is merged through its shard's queues, and the feed shows it", async () => {
    for (const client of clients) {
      const document = create();
      await client.post({ device_id: "dev_1", operations: [document] });
      const change = (n: number, data: object, more = {}) => ({
        operation: "update",
        client_id: `${document.client_id}:${n}`,
        document_id: document.document_id,
        data,
        ...more,
      });
      await client.post({ device_id: "dev_1", operations: [change(1, { a: 2 })] });
      const merged = await client.post({
        device_id: "dev_2",
        operations: [change(2, { b: 2 }, { expected_version: 1 })],
      });
      expect(merged.body.results).toMatchObject([{ status: "success", merged: true, version: 3 }]);
      const { body } = await client.get<ChangesBody>("/changes?since=0");
      expect(body.changes.at(-1)).toMatchObject({ version: 3, data: { a: 2, b: 2 } });
      expect(body.changes.map(({ seq }) => seq)).toEqual(body.changes.map((_, index) => index + 1));
    }
  });

  it("readers of a workspace are notified of its commits, without a poll", async () => {
    const [client] = clients as [Client];
    const lookUps = await faults.arm({
      service: "ingest",
      step: "read-workspaces",
      when: "before",
      action: "cut",
      always: true,
    });
    const token = await syncline.token({ [client.workspaceId]: "reader" });
    const leaving = new AbortController();
    const response = await fetch(
      `${syncline.ingestUrl}/api/v1/workspaces/${client.workspaceId}/changes/events`,
      { headers: { authorization: `Bearer ${token}` }, signal: leaving.signal },
    );
    await lookUps.hit;
    const operation = create();
    let heard = "";
    const hearing = (async () => {
      for await (const chunk of response.body ?? []) {
        heard += Buffer.from(chunk as Uint8Array).toString();
        if (heard.includes(`"${operation.document_id}"`)) return;
      }
    })();
    expect((await client.post({ operations: [operation] })).status).toBe(200);
    await hearing;
    leaving.abort();
    await lookUps.disarm();
  });

  it("metrics report each shard", async () => {
    const families = await scrape(syncline.ingestUrl);
    for (let shard = 0; shard < SHARDS; shard++)
      expect(valueOf(families, "syncline_store_up", { syncline_store: `redis-${shard}` })).toBe(1);
    expect(families.get("syncline_lane_backlog_entries")?.samples).toHaveLength(16);
  });

  it("without a replica nothing is answered 202: batches committed meanwhile get 200, the rest 503", async () => {
    const [client] = clients as [Client];
    const master = await masterOf(0, firstNode());
    const replica = stores.redisNodes[master + 3];
    await replica?.kill();
    const answer = await client.post({ operations: [create()] }, { prefer: "respond-async" });
    expect(answer).toMatchObject({ status: 200, body: { status: "completed" } });

    // Without Postgres no commit is possible, either.
    await stores.postgres.kill();
    const doubtful = { operations: [create()] };
    const refused = await client.post(doubtful, { prefer: "wait=1" });
    expect(refused).toMatchObject({ status: 503 });
    expect(refused.headers.get("retry-after")).toBe("1");
    await stores.postgres.start();
    await eventually(async () => {
      const { body } = await client.post(doubtful);
      expect(body.results).toMatchObject([{ status: "success", replayed: true }]);
    });

    await replica?.start();
    await eventually(async () => {
      const again = await client.post({ operations: [create()] }, { prefer: "respond-async" });
      expect(again.status).toBe(202);
      await untilSettled(client, again);
    });
  });

  it("a master that is killed: its shards wait for the replica, the others continue, and no 202 is lost", async () => {
    const killed = await masterOf(0, firstNode());
    const [witness] = nodes.filter((_, index) => index !== killed && index !== killed + 3) as [Redis];
    const shardOfMaster = await Promise.all(clients.map((_, shard) => masterOf(shard, witness)));
    const [hit, spared] = [clients[0], clients.find((_, shard) => shardOfMaster[shard] !== killed)] as [
      Client,
      Client,
    ];
    // Prevents commits, so that the 202s exist only in Redis when the master is killed.
    await stores.postgres.kill();
    const accepted = await Promise.all(
      Array.from({ length: 20 }, () => hit.post({ operations: [create()] }, { prefer: "respond-async" })),
    );
    expect(accepted.map(({ status }) => status)).toEqual(Array.from(accepted, () => 202));
    await stores.redisNodes[killed]?.kill();
    await stores.postgres.start();

    expect((await spared.post({ operations: [create()] }, { prefer: "wait=10" })).status).toBe(200);
    await eventually(async () => {
      const { status } = await hit.post({ operations: [create()] });
      expect(status).toBe(200);
    });
    for (const answer of accepted) await untilSettled(hit, answer);

    // Becomes a replica of its former replica, and can take over from there.
    await stores.redisNodes[killed]?.start();
    await eventually(async () => {
      const answer = await hit.post({ operations: [create()] }, { prefer: "respond-async" });
      expect(answer.status).toBe(202);
      await untilSettled(hit, answer);
    });
  });

  it("a master that hands over in good order: nothing fails for longer than the search for the new one", async () => {
    const [client] = clients as [Client];
    const old = await masterOf(0, firstNode());
    const heir = old < 3 ? old + 3 : old - 3;
    const place = {
      REDIS_URL: stores.redisUrl.split(","),
      REDIS_CLUSTER: "true",
      REDIS_SHARDS: SHARDS,
    } as const;
    const redis = openRedis(place, () => undefined);
    const barrier = createBarrier(redis);
    const untilReplicated = () =>
      eventually(async () => {
        const history = barrier.historyOf(0);
        expect(await barrier.isReplicated(0, history)).toBe(true);
        return history;
      });
    const history = await untilReplicated();

    // The failover is refused or aborted while the replica still catches up.
    await eventually(async () => {
      await nodes[heir]?.call("CLUSTER", "FAILOVER");
      await eventually(async () => expect(await masterOf(0, firstNode())).toBe(heir), 6_000);
    });
    await eventually(async () => {
      expect((await client.post({ operations: [create()] })).status).toBe(200);
    });
    // The old master's last writes may be missing on the new one, so its replication proves nothing about them.
    expect(await untilReplicated()).not.toBe(history);
    expect(await barrier.isReplicated(0, history)).toBe(false);
    await redis.close();
  });

  it("the services logged no fault of ours meanwhile", () => {
    const mistakes = syncline
      .logs()
      .split("\n")
      .filter((line) => /"level":"(error|fatal)"|^\s+at |Warning/.test(line));
    expect(mistakes).toEqual([]);
  });
});
