import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { AbuseSystem } from "../abuse-system.ts";
import { createBystanders, type Notice } from "../bystanders.ts";
import type { AbuseCase, Figure } from "../case.ts";
import { quantilesOf } from "../../measure/quantiles.ts";

const MIB = 1024 * 1024;
/** The measuring time for other subjects: alone, and beside held requests. */
const WATCHED_MS = 15_000;

/** Requests that one subject starts and never finishes; each is restarted after it was ended. */
interface HeldRequests {
  readonly name: string;
  readonly count: number;
  /** The request line and headers, without the token. */
  readonly head: (workspaceId: string) => string;
  /** The next part of the body. */
  readonly drip?: { readonly bytes: number; readonly everyMs: number };
}

const post = (length: number) => () =>
  `POST /api/v1/documents/batch HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n`;
const get = (rest: string) => (workspaceId: string) =>
  `GET /api/v1/workspaces/${workspaceId}/${rest} HTTP/1.1\r\n`;

const HELD: readonly HeldRequests[] = [
  {
    name: "31 slow uploads that announce 10 MiB",
    count: 31,
    head: post(10 * MIB),
    drip: { bytes: 64 * 1024, everyMs: 1_000 },
  },
  { name: "205 slow bodies", count: 205, head: post(1_000), drip: { bytes: 1, everyMs: 1_000 } },
  { name: "1,010 event streams", count: 1_010, head: get("changes/events") },
  {
    name: "1,010 readers of the feed that wait",
    count: 1_010,
    head: get("changes?wait=30&since=0&collections=none"),
  },
  { name: "500 snapshots that are never read", count: 500, head: get("snapshot") },
  {
    name: "2,000 requests with endless headers",
    count: 2_000,
    head: () => "GET /healthz HTTP/1.1\r\nX-Slow: ",
  },
  { name: "6,000 silent connections", count: 6_000, head: () => "" },
];

/** Compares the latencies of others beside held requests with their latencies alone. */
export const HELD_REQUESTS: readonly AbuseCase[] = HELD.map((held) => ({
  name: held.name,
  async run(system): Promise<Figure[]> {
    const attacker = await system.createClient();
    const bystanders = await createBystanders(system, attacker.workspaceId);
    await bystanders.during(() => delay(WATCHED_MS / 3));
    const alone = await bystanders.during(() => delay(WATCHED_MS));
    const holding = holdAll(system, attacker, held);
    try {
      await delay(2_000);
      const beside = await bystanders.during(() => delay(WATCHED_MS));
      return [...figuresOf(alone, beside), ...holding.figures()];
    } finally {
      holding.stop();
    }
  },
}));

function figuresOf(alone: Notice, beside: Notice): Figure[] {
  const p99 = (notice: Notice) => quantilesOf(notice.othersMs).p99;
  return [
    { what: "other subjects, p99 alone", value: p99(alone), unit: "ms" },
    {
      what: "other subjects, p99 beside it",
      value: p99(beside),
      unit: "ms",
      bar: { atMost: 3 * p99(alone) },
    },
    {
      what: "requests of other subjects that succeeded",
      value: 100 * (1 - beside.othersFailed / beside.othersMs.length),
      unit: `% of ${beside.othersMs.length}`,
      bar: { atLeast: 99 },
    },
    { what: "slowest /healthz", value: quantilesOf(beside.healthMs).max, unit: "ms", bar: { atMost: 1_000 } },
  ];
}

/** Holds this number of requests at once and restarts each shortly after it has ended. */
function holdAll(
  system: AbuseSystem,
  attacker: { readonly workspaceId: string; readonly token: string },
  { count, head, drip }: HeldRequests,
) {
  const { hostname, port } = new URL(system.syncline.ingestUrl);
  const stopping = new AbortController();
  const sockets = new Set<Socket>();
  const countByAnswer = new Map<string, number>();

  async function hold(): Promise<void> {
    while (!stopping.signal.aborted) {
      const socket = connect(Number(port), hostname);
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("data", (chunk: Buffer) => {
        const answer = /^HTTP\/1\.1 (\d+)/.exec(chunk.toString("latin1"))?.[1] ?? "nothing";
        countByAnswer.set(answer, (countByAnswer.get(answer) ?? 0) + 1);
        if (answer !== "200") socket.destroy();
      });
      const line = head(attacker.workspaceId);
      const isWhole = line.endsWith("\r\n");
      socket.write(isWhole ? `${line}Host: a\r\nAuthorization: Bearer ${attacker.token}\r\n\r\n` : line);
      const dripping = drip && setInterval(() => socket.write(" ".repeat(drip.bytes)), drip.everyMs);
      await once(socket, "close");
      clearInterval(dripping);
      sockets.delete(socket);
      await delay(500, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
  const holding = Array.from({ length: count }, hold);

  return {
    figures: (): Figure[] =>
      [...countByAnswer].map(([answer, value]) => ({
        what: `of the held requests, answered ${answer}`,
        value,
        unit: "",
      })),
    stop() {
      stopping.abort();
      for (const socket of sockets) socket.destroy();
      void Promise.allSettled(holding);
    },
  };
}
