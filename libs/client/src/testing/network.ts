import type { Fetch, FetchedAnswer, FetchedRequest } from "../protocol/connection.ts";
import type { VirtualClock } from "./clock.ts";
import { createRandom, type SeededRandom } from "./random.ts";

/** A request on its way. */
export interface Message {
  device: string;
  method: "GET" | "POST";
  /** The path with its query. */
  path: string;
  body: string;
  /** The number of the message in its network, from 1. */
  number: number;
}

/** The fate of a message that does not simply arrive. */
export type Fault =
  /** The request is lost; the device sees a failed connection. */
  | { kind: "lose-request" }
  /** The server gets the request; the answer is lost, and the device sees a failed connection. */
  | { kind: "lose-answer" }
  /** The request is lost, and the device hears nothing at all. */
  | { kind: "silence" }
  /** The server gets the request twice, the second time after a delay, and also if the device has left. */
  | { kind: "duplicate"; delayMs: number }
  /** The answer ends after a number of its bytes. */
  | { kind: "cut"; bytes: number }
  /** Something else answers: by default a page of HTML, as a captive portal does. */
  | { kind: "answer"; status: number; body: string; headers?: Readonly<Record<string, string>> };

/** The probability of each fault, and the bounds of latency in milliseconds. */
export interface FaultRates {
  latencyMs: readonly [least: number, most: number];
  loseRequest: number;
  loseAnswer: number;
  silence: number;
  duplicate: number;
  cut: number;
  portal: number;
  unauthorized: number;
  /** 429, 500 and 503, each alike. */
  refuse: number;
}

/** A network that always works, with a little latency. */
export const CALM: FaultRates = {
  latencyMs: [5, 50],
  loseRequest: 0,
  loseAnswer: 0,
  silence: 0,
  duplicate: 0,
  cut: 0,
  portal: 0,
  unauthorized: 0,
  refuse: 0,
};

/** A network that fails often in every way. */
export const STORMY: FaultRates = {
  latencyMs: [5, 2_000],
  loseRequest: 0.06,
  loseAnswer: 0.08,
  silence: 0.01,
  duplicate: 0.04,
  cut: 0.05,
  portal: 0.01,
  unauthorized: 0.02,
  refuse: 0.03,
};

/** A network between devices and a server. */
export interface Network {
  /** The `fetch` of a device. */
  connect(device: string): Fetch;
  /** Sets the rates of faults from now on. */
  setFaults(rates: FaultRates): void;
  /** Decides the fate of single messages before chance does; `undefined` leaves it to chance. */
  script(decide: ((message: Message) => Fault | undefined) | undefined): void;
  /** Cuts devices off, streams under way included. */
  partition(...devices: string[]): void;
  /** Connects all devices again. */
  heal(): void;
  /** Ends the streams under way of all devices, or of one. */
  cutStreams(device?: string): void;
  /** The messages so far. */
  readonly messages: readonly Message[];
}

interface Line {
  device: string;
  cut: () => void;
}

/** Creates a network. Latency, faults and order follow from the seed. */
export function createNetwork(options: {
  clock: VirtualClock;
  /** The server's `fetch`. */
  fetch: Fetch;
  seed?: number;
  faults?: FaultRates;
}): Network {
  const { clock, fetch } = options;
  const random = createRandom(options.seed ?? 1);
  let rates = options.faults ?? CALM;
  let decide: ((message: Message) => Fault | undefined) | undefined;
  const partitioned = new Set<string>();
  const lines = new Set<Line>();
  const messages: Message[] = [];

  const latency = () =>
    rates.latencyMs[0] + random.below(Math.max(1, rates.latencyMs[1] - rates.latencyMs[0]));

  async function send(message: Message, url: string, request: FetchedRequest): Promise<FetchedAnswer> {
    const fault = decide?.(message) ?? drawFault(random, rates);
    await clock.sleep(latency());
    if (partitioned.has(message.device) || fault?.kind === "lose-request") throw failedConnection();
    if (fault?.kind === "silence") return new Promise(() => undefined);
    if (fault?.kind === "answer") return foreignAnswer(fault);
    if (fault?.kind === "duplicate") {
      const again = { ...request, signal: new AbortController().signal };
      clock.setTimer(fault.delayMs, () => {
        // No device reads the second answer.
        void fetch(url, again).then(({ body }) => body?.getReader().cancel());
      });
    }
    const answer = await fetch(url, request);
    await clock.sleep(latency());
    if (partitioned.has(message.device) || fault?.kind === "lose-answer") {
      void answer.body?.getReader().cancel();
      throw failedConnection();
    }
    return overLine(answer, message.device, fault?.kind === "cut" ? fault.bytes : Infinity);
  }

  /** Lets a body break off after some bytes, or when its device is cut off. */
  function overLine(answer: FetchedAnswer, device: string, bytes: number): FetchedAnswer {
    const { promise: isCut, reject } = Promise.withResolvers<never>();
    isCut.catch(() => undefined);
    const line: Line = { device, cut: () => reject(failedConnection()) };
    lines.add(line);
    let left = bytes;
    const { body } = answer;
    if (body === null) return answer;
    return {
      ...answer,
      body: {
        getReader() {
          const reader = body.getReader();
          return {
            async read() {
              const piece = await Promise.race([reader.read(), isCut]);
              if (piece.done) lines.delete(line);
              if (left <= 0) throw failedConnection();
              const value = piece.value?.subarray(0, left);
              left -= value?.length ?? 0;
              return { ...piece, ...(value !== undefined && { value }) };
            },
            cancel() {
              lines.delete(line);
              return reader.cancel();
            },
          };
        },
      },
    };
  }

  const cutLines = (isMeant: (device: string) => boolean) => {
    for (const line of lines) {
      if (!isMeant(line.device)) continue;
      lines.delete(line);
      line.cut();
    }
  };

  return {
    connect: (device) => (url, request) => {
      const { method, body } = request;
      const text = typeof body === "string" ? body : "";
      const path = url.replace(/^[a-z]+:\/\/[^/]*/, "");
      const message = { device, method, path, body: text, number: messages.length + 1 };
      messages.push(message);
      return untilAborted(send(message, url, request), request.signal);
    },
    setFaults(given) {
      rates = given;
    },
    script(given) {
      decide = given;
    },
    partition(...devices) {
      for (const device of devices) partitioned.add(device);
      cutLines((device) => devices.includes(device));
    },
    heal: () => partitioned.clear(),
    cutStreams: (of) => cutLines((device) => of === undefined || device === of),
    messages,
  };
}

/** Draws the fate of a message; `undefined`: it arrives. */
function drawFault(random: SeededRandom, rates: FaultRates): Fault | undefined {
  let draw = random.next();
  const isIt = (rate: number) => {
    draw -= rate;
    return draw < 0;
  };
  if (isIt(rates.loseRequest)) return { kind: "lose-request" };
  if (isIt(rates.loseAnswer)) return { kind: "lose-answer" };
  if (isIt(rates.silence)) return { kind: "silence" };
  if (isIt(rates.duplicate)) return { kind: "duplicate", delayMs: random.below(10_000) };
  if (isIt(rates.cut)) return { kind: "cut", bytes: random.below(400) };
  if (isIt(rates.portal)) return PORTAL;
  if (isIt(rates.unauthorized)) return problem(401, "unauthorized");
  if (!isIt(rates.refuse)) return undefined;
  return random.pick([
    problem(429, "rate-limited"),
    problem(500, "internal"),
    problem(503, "unavailable"),
    problem(503, "overloaded"),
  ]);
}

/** The page of a captive portal. */
export const PORTAL: Fault = { kind: "answer", status: 200, body: "<html>Sign in to the network</html>" };

/** A problem that the server did not send, as a proxy before it does. */
export function problem(status: number, type: string, members: object = {}): Fault {
  const body = JSON.stringify({ type: `urn:syncline:problem:${type}`, title: type, status, ...members });
  const wait = status === 429 || status === 503 ? { "retry-after": "2" } : {};
  return { kind: "answer", status, body, headers: { "content-type": "application/problem+json", ...wait } };
}

function foreignAnswer({ status, body, headers = {} }: Fault & { kind: "answer" }): FetchedAnswer {
  let bytes: Uint8Array | undefined = new TextEncoder().encode(body);
  return {
    status,
    headers: { get: (name) => headers[name.toLowerCase()] ?? null },
    body: {
      getReader: () => ({
        read: () => {
          const value = bytes;
          bytes = undefined;
          return Promise.resolve(value === undefined ? { done: true } : { done: false, value });
        },
        cancel: () => Promise.resolve(),
      }),
    },
  };
}

function failedConnection(): TypeError {
  return new TypeError("fetch failed");
}

/** Rejects when the caller leaves, as `fetch` does. The request may reach the server all the same. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const leave = () => reject(new DOMException("The request was aborted", "AbortError"));
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", leave));
}
