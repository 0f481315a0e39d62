import { createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Fault, Order, Report, TakenStep } from "./fault.ts";

/** A process that a fault struck. */
export interface Hit {
  pid: number;
}

/** A fault waiting for its step. */
export interface ArmedFault {
  /** Resolves at the first strike. */
  hit: Promise<Hit>;
  /** The number of strikes. */
  hits: () => number;
  /** Releases a held step. */
  release: () => Promise<void>;
  /** Removes the fault unless it has struck. */
  disarm: () => Promise<void>;
}

/** The taken steps, in the order of their reports. */
export interface Recording {
  /** Grows during the recording. */
  steps: readonly TakenStep[];
  stop(): Promise<void>;
}

/** Arms the faults of a system. */
export interface Faults {
  /** The services' environment: it enables faults in them. */
  env: Record<string, string>;
  /** Resolves when every running process knows the fault; later processes know it from their start. */
  arm(fault: Fault): Promise<ArmedFault>;
  /** Records every step of every process, until it is stopped. */
  record(): Promise<Recording>;
  close(): void;
}

interface Armed {
  fault: Fault;
  hits: number;
  onHit: (hit: Hit) => void;
}

interface Process {
  pid: number;
  tell(order: Order | { kind: "ready" }): Promise<void>;
}

/** Listens for the processes of one system. Call it first, and start the system with its `env`. */
export async function openFaults(): Promise<Faults> {
  const processes = new Set<Process>();
  const armedById = new Map<number, Armed>();
  let recorded: TakenStep[] | undefined;
  let lastId = 0;

  const server = createServer((socket) => welcome(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  function welcome(socket: Socket): void {
    const doneByNumber = new Map<number, () => void>();
    let lastNumber = 0;
    let hello: Extract<Report, { kind: "hello" }> | undefined;
    const process: Process = {
      pid: -1,
      tell: (order) =>
        new Promise((resolve) => {
          doneByNumber.set(++lastNumber, resolve);
          socket.write(`${JSON.stringify([lastNumber, order])}\n`);
        }),
    };
    socket.on("error", () => undefined); // the process was killed
    socket.on("close", () => {
      processes.delete(process);
      for (const done of doneByNumber.values()) done(); // a dead process needs no acknowledgement
    });
    const reports = createInterface({ input: socket });
    reports.on("error", () => undefined); // repeats the socket's error
    reports.on("line", (line) => {
      const report = JSON.parse(line) as Report;
      switch (report.kind) {
        case "hello":
          hello = report;
          process.pid = report.pid;
          processes.add(process);
          for (const [id, { fault, hits }] of armedById) {
            if (fault.always || hits === 0) void process.tell({ kind: "arm", id, fault });
          }
          if (recorded !== undefined) void process.tell({ kind: "record", on: true });
          void process.tell({ kind: "ready" });
          break;
        case "done":
          doneByNumber.get(report.number)?.();
          doneByNumber.delete(report.number);
          break;
        case "hit":
          onHit(report.id, process);
          break;
        case "step":
          if (hello !== undefined)
            recorded?.push({ service: hello.service, pid: hello.pid, step: report.step });
          break;
      }
    });
  }

  function onHit(id: number, process: Process): void {
    const armed = armedById.get(id);
    if (armed === undefined) return;
    armed.hits += 1;
    armed.onHit({ pid: process.pid });
    if (!armed.fault.always) void notifyAll({ kind: "disarm", id });
  }

  const notifyAll = (order: Order) => Promise.all([...processes].map((process) => process.tell(order)));

  return {
    env: {
      FAULTS_PORT: String(port),
      NODE_OPTIONS: `--import=${new URL("./inside/preload.ts", import.meta.url).href}`,
    },

    async arm(fault) {
      const id = ++lastId;
      const { promise: hit, resolve: onHit } = Promise.withResolvers<Hit>();
      const armed = { fault, hits: 0, onHit };
      armedById.set(id, armed);
      await notifyAll({ kind: "arm", id, fault });
      return {
        hit,
        hits: () => armed.hits,
        release: async () => void (await notifyAll({ kind: "release", id })),
        async disarm() {
          armedById.delete(id);
          await notifyAll({ kind: "disarm", id });
        },
      };
    },

    async record() {
      const steps: TakenStep[] = [];
      recorded = steps;
      await notifyAll({ kind: "record", on: true });
      return {
        steps,
        async stop() {
          await notifyAll({ kind: "record", on: false });
          recorded = undefined;
        },
      };
    },

    close() {
      server.close();
    },
  };
}
