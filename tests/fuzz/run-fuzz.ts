import type { Json } from "@syncline/shared/document";
import type { ChangesBody } from "@syncline/shared/protocol";
import fc from "fast-check";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { createClient, eventually, type Client, type System } from "../support/system.ts";
import { ATTACKS, SLOW_ATTACKS, type Attack } from "./attacks.ts";
import { createCheckAnswer } from "./check-answer.ts";
import { stateOf, type ProcessState } from "./process-state.ts";
import { requestsOf, type ApiDocument, type Fixtures, type FuzzRequest } from "./requests.ts";
import { createAgent, sendRequest, type FuzzAnswer } from "./send-request.ts";

const AT_ONCE = 24;
/** Requests made at once; they depend only on the seed and on their position. */
const CHUNK = 500;
const PING_MS = 200;

export interface FuzzOptions {
  requests: number;
  seed: number;
  /** Includes raw attacks that no HTTP client sends; they take some seconds. */
  attacks: boolean;
  requestTimeoutMs: number;
}

export interface FuzzReport {
  requests: number;
  byStatus: Record<string, number>;
  slowestMs: number;
  /** The slowest `/healthz` during the run. */
  slowestPingMs: number;
  /** Documents that were read back and equalled the sent ones. */
  readBack: number;
  /** Each attack, with the slowest `/healthz` during it. */
  attacks: { name: string; ms: number; slowestPingMs: number }[];
  /** The state of each process after a tenth of the requests, and in the end. */
  before: ProcessState[];
  after: ProcessState[];
  faults: string[];
}

/** Sends this number of requests of one seed to a whole system, and reports faults of answers and processes. */
export async function runFuzz(system: System, options: FuzzOptions): Promise<FuzzReport> {
  const { syncline } = system;
  const document = (await (await fetch(`${syncline.ingestUrl}/openapi.json`)).json()) as ApiDocument;
  const { fixtures, client } = await prepare(system);
  const requests = requestsOf(document, fixtures);
  const check = createCheckAnswer(document);
  const agent = createAgent();
  const processes = [syncline.ingest, syncline.conflict, ...syncline.workers];
  const report: FuzzReport = {
    requests: 0,
    byStatus: {},
    slowestMs: 0,
    slowestPingMs: 0,
    readBack: 0,
    attacks: [],
    before: [],
    after: [],
    faults: [],
  };
  const fault = (what: string) => {
    if (report.faults.length < 50) report.faults.push(what);
  };
  // An attack may make a request time out on a busy machine; the server must recover from it.
  let isAttacked = false;
  const pinging = ping(syncline.ingestUrl, (error) => {
    if (!isAttacked) fault(`/healthz: ${String(error)}`);
  });

  async function sendOne(request: FuzzRequest, index: number): Promise<void> {
    const url = request.service === "ingest" ? syncline.ingestUrl : syncline.conflictUrl;
    const where = `request ${index} of seed ${options.seed} (${request.service} ${request.method} ${request.path.slice(0, 200)})`;
    try {
      const answer = await sendRequest(request, { url, agent });
      report.byStatus[answer.status] = (report.byStatus[answer.status] ?? 0) + 1;
      report.slowestMs = Math.max(report.slowestMs, answer.durationMs);
      const wrong = check(request, answer) ?? (await checkReadBack(request, answer, client, report));
      if (wrong !== undefined) fault(`${where}: ${wrong}\n    ${answer.text.slice(0, 500)}`);
    } catch (error) {
      fault(`${where}: ${String(error)}`);
    }
  }

  for (let chunk = 0; report.requests < options.requests; chunk++) {
    const count = Math.min(CHUNK, options.requests - report.requests);
    const waiting = fc.sample(requests, { seed: options.seed + chunk, numRuns: count }).entries();
    const sendOn = async () => {
      for (const [index, request] of waiting) await sendOne(request, report.requests + index);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendOn));
    report.requests += count;
    if (report.before.length === 0 && report.requests * 10 >= options.requests)
      report.before = statesOf(processes);
  }
  report.slowestPingMs = pinging.slowestMs();
  if (options.attacks) {
    const token = fixtures.tokens["good"] ?? "";
    const target = { url: syncline.ingestUrl, token, workspaceId: fixtures.workspaceId, ...options };
    const attack = async ({ name, run }: Attack) => {
      pinging.slowestMs();
      const startedAtMs = Date.now();
      await run(target).catch((error: unknown) => fault(`${name}: ${String(error)}`));
      report.attacks.push({ name, ms: Date.now() - startedAtMs, slowestPingMs: pinging.slowestMs() });
    };
    isAttacked = true;
    await Promise.all(SLOW_ATTACKS.map(attack));
    for (const one of ATTACKS) await attack(one);
    isAttacked = false;
  }
  agent.destroy();
  await checkAfterwards(system, client, fault);
  await pinging.stop();
  report.after = statesOf(processes);
  for (const [index, { pid, name }] of report.after.entries()) {
    if (report.before[index]?.pid !== pid) fault(`${name} was restarted`);
  }
  return report;
}

/** Creates a workspace that has data for every route. */
async function prepare(system: System): Promise<{ fixtures: Fixtures; client: Client }> {
  const workspaceId = randomUUID();
  const { token: sign } = system.syncline;
  const good = await sign({ [workspaceId]: "admin" }, { subject: "alice" });
  const client = await createClient(system, { workspaceId, token: good });
  const put = (client_id: string, document_id: string, n: number, more: object = {}) => ({
    operation: "put",
    client_id,
    document_id,
    data: { n },
    ...more,
  });
  const documentIds = ["doc_1", "doc_2", "doc_3", "odd/ id?"];
  const failed = { operation: "update", client_id: "failed", document_id: "never", data: {} };
  const { body: first } = await client.post({
    device_id: "one",
    operations: [...documentIds.map((id) => put(`put ${id}`, id, 1)), failed],
  });
  const { body: second } = await client.post({ device_id: "one", operations: [put("again", "doc_1", 2)] });
  await client.post({
    device_id: "two",
    on_conflict: "manual",
    operations: [put("parked", "doc_1", 3, { expected_version: 1 })],
  });
  const conflictIds = await eventually(async () => {
    const { conflicts } = (
      await client.get<{ conflicts: { conflict_id: string }[] }>("/conflicts?status=parked")
    ).body;
    if (conflicts.length === 0) throw new Error("no conflict was parked");
    return conflicts.map(({ conflict_id }) => conflict_id);
  });
  const fixtures = {
    workspaceId,
    known: {
      workspaceId: [workspaceId],
      collection: ["documents", "notes"],
      documentId: documentIds,
      clientId: ["failed", "again", "parked", "put doc_1"],
      batchId: [first.batch_id, second.batch_id],
      conflictId: conflictIds,
    },
    tokens: {
      good,
      reader: await sign({ [workspaceId]: "reader" }),
      stranger: await sign({ [randomUUID()]: "admin" }),
      expired: await sign({ [workspaceId]: "admin" }, { expiresIn: "1 hour ago" }),
    },
  };
  return { fixtures, client };
}

/**
 * Checks that the stored data equals the sent data: after a write of a whole document, the change is read in the feed.
 */
async function checkReadBack(
  { body, headers }: FuzzRequest,
  { status, text }: FuzzAnswer,
  client: Client,
  report: FuzzReport,
): Promise<string | undefined> {
  if (status !== 200 || body === undefined || headers["content-encoding"] !== undefined) return undefined;
  const { operations = [] } = JSON.parse(new TextDecoder().decode(body)) as { operations?: SentOperation[] };
  const { results } = JSON.parse(text) as { results: Written[] };
  for (const [index, { operation, collection = "documents", data = null }] of operations
    .slice(0, 3)
    .entries()) {
    const result = results[index];
    const isWrite = result?.status === "success" && !result.merged && !result.replayed;
    if (!isWrite || (operation !== "create" && operation !== "put")) continue;
    const { document_id, version, seq } = result;
    const { status: found, body: page } = await client.get<ChangesBody>(`/changes?since=${seq - 1}&limit=1`);
    if (found !== 200) return `its change cannot be read: ${found} for seq ${seq}`;
    const [change] = page.changes;
    const isThere =
      change?.seq === seq &&
      change.collection === collection &&
      change.document_id === document_id &&
      change.version >= version;
    if (!isThere) return `its change is missing: ${JSON.stringify(change)?.slice(0, 300)} for seq ${seq}`;
    // A later version is that of a change into which this operation was folded.
    if (change.version > version) continue;
    report.readBack++;
    if (!isDeepStrictEqual(change.data, plain(data))) {
      return `stored as ${JSON.stringify(change.data).slice(0, 300)}`;
    }
  }
  return undefined;
}

interface SentOperation {
  operation: string;
  data?: Json;
  collection?: string;
}

interface Written {
  status: string;
  document_id: string;
  version: number;
  seq: number;
  merged?: true;
  replayed?: true;
}

/** JSON numbers in Postgres have no minus zero. */
function plain(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** Checks for leftovers: no entry on a lane, no dead-lettered one, no stream that holds its slot, no error in a log. */
async function checkAfterwards(system: System, client: Client, fault: (what: string) => void): Promise<void> {
  try {
    await eventually(async () => {
      const left = await system.entriesOnLanes();
      if (left > 0) throw new Error(`${left} entries are still on the lanes`);
    }, 60_000);
    const dead = await system.redis.keys("*:dead:*");
    if (dead.length > 0) fault(`entries were dead-lettered: ${dead.join(", ")}`);
    const { status } = await client.post({
      operations: [{ operation: "put", client_id: randomUUID(), document_id: "last", data: { ok: true } }],
    });
    if (status !== 200) fault(`a good batch is answered ${status} afterwards`);
  } catch (error) {
    fault(String(error));
  }
  for (const line of system.syncline.logs().split("\n")) {
    if (/"level":"(error|fatal)"|[Uu]nhandled|Uncaught|MaxListenersExceeded/.test(line))
      fault(`in a log: ${line.slice(0, 600)}`);
  }
}

function statesOf(processes: readonly Parameters<typeof stateOf>[0][]): ProcessState[] {
  return process.platform === "linux" ? processes.map(stateOf) : [];
}

/** Polls the process's health continuously. */
function ping(
  url: string,
  onFailure: (error: unknown) => void,
): { slowestMs: () => number; stop: () => Promise<void> } {
  const stopping = new AbortController();
  let slowestMs = 0;
  const run = async () => {
    while (!stopping.signal.aborted) {
      const startedAtMs = performance.now();
      // Uses a new connection: the server may close an idle one just as the request is sent.
      try {
        const response = await fetch(`${url}/healthz`, { headers: { connection: "close" } });
        await response.arrayBuffer();
      } catch (error) {
        onFailure(error);
      }
      slowestMs = Math.max(slowestMs, Math.round(performance.now() - startedAtMs));
      await delay(PING_MS);
    }
  };
  const running = run();
  return {
    slowestMs: () => {
      const since = slowestMs;
      slowestMs = 0;
      return since;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
