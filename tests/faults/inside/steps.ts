import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Fault, Order, Report, Service } from "../fault.ts";

/** Longer than a job's lock (5 s) and the interval of the stalled check (2 s). */
const STALL_MS = 8_000;

/** The hooks of a step, before it is sent and after it was answered. */
export interface Steps {
  /** Records a step. */
  note(step: string): void;
  /** True if a fault is to strike here and has not yet. */
  expects(step: string, when: Fault["when"], text: () => string): boolean;
  /**
   * Lets the fault strike. A crash does not return, a stall returns when it is over.
   * @returns the action left to the caller
   */
  at(
    step: string,
    when: Fault["when"],
    text: () => string,
  ): "cut" | "drop" | { held: Promise<void> } | undefined;
}

const service = /services[\\/](ingest|worker|conflict)([\\/]src[\\/]main\.ts|\.js)$/.exec(
  process.argv[1] ?? "",
)?.[1] as Service | undefined;
if (service === undefined) throw new Error(`Faults are only for the services, not for ${process.argv[1]}`);

const faultById = new Map<number, Fault>();
const releaseById = new Map<number, () => void>();
let recording = false;

const socket = connect(Number(process.env["FAULTS_PORT"]), "127.0.0.1");
socket.on("error", () => undefined); // the test is over
await once(socket, "connect");
const orders = createInterface({ input: socket });
orders.on("error", () => undefined); // repeats the socket's error
tell({ kind: "hello", service, pid: process.pid });
await new Promise<void>((resolve) => {
  orders.on("line", (line) => {
    const [number, order] = JSON.parse(line) as [number, Order | { kind: "ready" }];
    if (order.kind === "ready") resolve();
    else obey(order);
    tell({ kind: "done", number });
  });
});
socket.unref();

export const steps: Steps = {
  note(step) {
    if (recording) tell({ kind: "step", step });
  },
  expects: (step, when, text) => find(step, when, text) !== undefined,
  at(step, when, text) {
    const found = find(step, when, text);
    if (found === undefined) return undefined;
    const [id, fault] = found;
    if (!fault.always) faultById.delete(id);
    tell({ kind: "hit", id });
    if (fault.action === "crash") return die();
    if (fault.action === "stall") return freeze(STALL_MS);
    if (fault.action === "hold") return { held: new Promise((resolve) => releaseById.set(id, resolve)) };
    return fault.action;
  },
};

function find(step: string, when: Fault["when"], text: () => string): [number, Fault] | undefined {
  for (const [id, fault] of faultById) {
    if (fault.service !== service || fault.step !== step || fault.when !== when) continue;
    const { containing, about } = fault;
    if (containing === undefined && about === undefined) return [id, fault];
    const said = text();
    const isMeant =
      (containing === undefined || said.includes(containing)) &&
      (about === undefined || about.some((part) => said.includes(part)));
    if (isMeant) return [id, fault];
  }
  return undefined;
}

function obey(order: Order): void {
  switch (order.kind) {
    case "arm":
      faultById.set(order.id, order.fault);
      break;
    case "disarm":
      faultById.delete(order.id);
      break;
    case "release":
      releaseById.get(order.id)?.();
      releaseById.delete(order.id);
      break;
    case "record":
      recording = order.on;
      break;
  }
}

/** Writes synchronously: a short line reaches the kernel before this returns, so that it survives a crash. */
function tell(report: Report): void {
  socket.write(`${JSON.stringify(report)}\n`);
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;) freeze(1_000);
}

/** Freezes this process: no timer runs, no lock is renewed. */
function freeze(timeMs: number): undefined {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeMs);
  return undefined;
}
