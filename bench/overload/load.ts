/**
 * A process that sends batches whatever their answers: bench/overload/run.ts starts it on a core of its own and tells
 * it the senders. It never sleeps, because a wake-up would take CPU of the system.
 */
import { Agent, request } from "node:http";
import { v7 as uuidv7 } from "uuid";

/** One sender's load, at an even pace. No request is sent again. */
export interface Sender {
  workspaceId: string;
  authorization: string;
  /**
   * A fixed rate, however long answers take, or this number of connections, each sending again when it has been
   * answered.
   */
  pace: { requestsPerSecond: number } | { connections: number };
  operations: number;
}

export interface LoadPlan {
  url: string;
  /** Counted from the end of the warm-up. */
  seconds: number;
  senders: Sender[];
}

/** The outcome of a sender's requests. */
export interface SenderReport {
  workspaceId: string;
  /** Requests by status, or by the error that broke their connection. */
  countByStatus: Record<string, number>;
  /** Refusals without `Retry-After`. */
  withoutRetryAfter: number;
  /** Operations answered 200 within the time, after the warm-up. */
  done: number;
  /** Operations answered 200 or 202. */
  accepted: number;
  /** Requests not sent, because too many were waiting for their answer. */
  unsent: number;
  /** Latencies of 200s, from the due time, so that a request that had to wait to be sent counts too. */
  latenciesMs: number[];
}

/** The bound that keeps the load process itself from failing. */
const WAITING_MAX = 4_000;
/** The time until the number of requests in flight is steady. */
const WARM_UP_SECONDS = 5;

process.once("message", (plan: LoadPlan) => {
  run(plan).then(
    (reports) => process.send?.(reports, () => process.disconnect()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function run({ url, seconds, senders }: LoadPlan): Promise<SenderReport[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: WAITING_MAX, maxFreeSockets: WAITING_MAX });
  const target = new URL("/api/v1/documents/batch", url);
  const beganAtMs = performance.now();
  const warmAtMs = beganAtMs + WARM_UP_SECONDS * 1_000;
  const endAtMs = warmAtMs + seconds * 1_000;
  let waiting = 0;

  let ended = false;
  const stayAwake = () => void (ended || setImmediate(stayAwake));
  stayAwake();
  const reports = await Promise.all(senders.map(drive));
  ended = true;
  agent.destroy();
  return reports;

  async function drive(sender: Sender): Promise<SenderReport> {
    const nextBatch = createBatches(sender);
    const report: SenderReport = {
      workspaceId: sender.workspaceId,
      countByStatus: {},
      withoutRetryAfter: 0,
      done: 0,
      accepted: 0,
      unsent: 0,
      latenciesMs: [],
    };
    const { pace } = sender;
    if ("connections" in pace) {
      await Promise.all(
        Array.from({ length: pace.connections }, async () => {
          while (performance.now() < endAtMs) {
            const status = await send(performance.now());
            if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }),
      );
      return report;
    }
    const sent: Promise<unknown>[] = [];
    const gapMs = 1_000 / pace.requestsPerSecond;
    // Spreads the first requests.
    let dueAtMs = beganAtMs + Math.random() * gapMs;
    while (dueAtMs < endAtMs) {
      for (; dueAtMs <= performance.now() && dueAtMs < endAtMs; dueAtMs += gapMs) {
        if (waiting < WAITING_MAX) sent.push(send(dueAtMs));
        else report.unsent++;
      }
      await new Promise(setImmediate);
    }
    await Promise.all(sent);
    return report;

    async function send(dueAtMs: number): Promise<number | string> {
      waiting++;
      const { status, retryAfter } = await post(target, agent, sender.authorization, nextBatch());
      waiting--;
      const nowMs = performance.now();
      report.countByStatus[status] = (report.countByStatus[status] ?? 0) + 1;
      if (status === 200) {
        report.latenciesMs.push(nowMs - dueAtMs);
        if (warmAtMs <= nowMs && nowMs <= endAtMs) report.done += sender.operations;
      }
      if (status === 200 || status === 202) report.accepted += sender.operations;
      if ((status === 429 || status === 503) && retryAfter === undefined) report.withoutRetryAfter++;
      return status;
    }
  }
}

function post(
  target: URL,
  agent: Agent,
  authorization: string,
  body: string,
): Promise<{ status: number | string; retryAfter?: string }> {
  return new Promise((resolve) => {
    const broken = (error: NodeJS.ErrnoException) => resolve({ status: error.code ?? error.message });
    const headers = { "content-type": "application/json", authorization };
    const sending = request(target, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => {
        const retryAfter = response.headers["retry-after"];
        resolve({ status: response.statusCode ?? 0, ...(retryAfter !== undefined && { retryAfter }) });
      });
      response.once("error", broken);
    });
    sending.once("error", broken);
    sending.end(body);
  });
}

/** The number of different batches that a sender has ready. */
const TEMPLATES = 50;
const CLIENT_ID = "{client-id}";

/**
 * Makes batches in which only the client ids are new, so that the load uses little CPU. The ids begin with the time, as
 * clients' should: the index of the ledger then grows at its end.
 */
function createBatches({ workspaceId, operations }: Sender): () => string {
  const templates = Array.from({ length: TEMPLATES }, () =>
    JSON.stringify({
      workspace_id: workspaceId,
      device_id: "device",
      operations: Array.from({ length: operations }, putField),
    }).split(CLIENT_ID),
  );
  let next = 0;
  return () => {
    const id = uuidv7();
    const [first = "", ...rest] = templates[next++ % TEMPLATES] ?? [];
    return rest.reduce((body, part, n) => `${body}${id}_${n}${part}`, first);
  };
}

/** Changes one field of one of a thousand documents. */
function putField(): object {
  return {
    operation: "put",
    client_id: CLIENT_ID,
    document_id: `document-${Math.floor(Math.random() * 1_000)}`,
    data: {
      [`field${Math.floor(Math.random() * 10)}`]: CLIENT_ID,
      text: "a note of a hundred characters, which is about what people write down ",
    },
  };
}
