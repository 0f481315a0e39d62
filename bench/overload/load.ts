/**
 * A process that sends batches, whatever becomes of them: bench/overload/run.ts starts it on a core of its own, and tells
 * it what to send. It never sleeps, because to wake it would take CPU of the system.
 */
import { createConnections } from "./connections.ts";
import { createRequests } from "./requests.ts";

/** What one sender sends, all of it at an even pace. Nothing is sent again. */
export interface Sender {
  workspaceId: string;
  authorization: string;
  /** At this rate, however long answers take; else each of so many connections sends when it has been answered. */
  pace: { requestsPerSecond: number } | { connections: number };
  operations: number;
}

export interface LoadPlan {
  url: string;
  /** From when it is warm. */
  seconds: number;
  senders: Sender[];
}

/** What became of a sender's requests. */
export interface SenderReport {
  workspaceId: string;
  /** Requests by status, or by what broke their connection. */
  countByStatus: Record<string, number>;
  /** Answers to what was refused that did not say when to come again. */
  withoutRetryAfter: number;
  /** Operations that were answered 200 within the time, once it was warm. */
  done: number;
  /** Operations that were answered 200 or 202. */
  accepted: number;
  /** Requests that were not sent, because too many waited for their answer. */
  unsent: number;
  /** Of 200s: from when they were due, so that a request that had to wait to be sent counts too. */
  latenciesMs: number[];
}

/** Until as much is under way as will be. */
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
  const target = new URL("/api/v1/documents/batch", url);
  const connections = createConnections(target);
  const beganAtMs = performance.now();
  const warmAtMs = beganAtMs + WARM_UP_SECONDS * 1_000;
  const endAtMs = warmAtMs + seconds * 1_000;

  let ended = false;
  const stayAwake = () => void (ended || setImmediate(stayAwake));
  stayAwake();
  const reports = await Promise.all(senders.map(drive));
  ended = true;
  connections.close();
  return reports;

  async function drive(sender: Sender): Promise<SenderReport> {
    const writeRequest = createRequests(target, sender);
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
            if (status !== "200") await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }),
      );
      return report;
    }
    const sent: Promise<unknown>[] = [];
    const gapMs = 1_000 / pace.requestsPerSecond;
    // Not all in the same moment.
    let dueAtMs = beganAtMs + Math.random() * gapMs;
    while (dueAtMs < endAtMs) {
      for (; dueAtMs <= performance.now() && dueAtMs < endAtMs; dueAtMs += gapMs) {
        if (connections.areLeft()) sent.push(send(dueAtMs));
        else report.unsent++;
      }
      await new Promise(setImmediate);
    }
    await Promise.all(sent);
    return report;

    async function send(dueAtMs: number): Promise<string> {
      const { status, retryAfter } = await connections
        .use((connection) => connection.send(writeRequest(connection.room)))
        .then(
          (answer) => ({ ...answer, status: String(answer.status) }),
          (error: unknown) => ({ status: nameOf(error), retryAfter: undefined }),
        );
      const nowMs = performance.now();
      report.countByStatus[status] = (report.countByStatus[status] ?? 0) + 1;
      if (status === "200") {
        report.latenciesMs.push(nowMs - dueAtMs);
        if (warmAtMs <= nowMs && nowMs <= endAtMs) report.done += sender.operations;
      }
      if (status === "200" || status === "202") report.accepted += sender.operations;
      if ((status === "429" || status === "503") && retryAfter === undefined) report.withoutRetryAfter++;
      return status;
    }
  }
}

/** What broke a connection. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? String(error.code) : error.message;
}
