// Loaded into a service before its own code (NODE_OPTIONS=--import): shifts its clock and measures its memory on orders
// of the run. A changed system clock affects only the time of day: timers and `performance` continue, and so they do
// here.
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Hello, Memory, Order } from "./orders.ts";

const RealDate = Date;
const realNow = Date.now;
let clockShiftMs = 0;

RealDate.now = () => realNow() + clockShiftMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget): Date =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget) as Date,
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const run = connect(Number(process.env["CHAOS_PORT"]), "127.0.0.1").unref();
run.on("error", () => undefined); // the run has ended
tell({ pid: process.pid });
createInterface({ input: run })
  .on("error", () => undefined)
  .on("line", (line) => {
    const order = JSON.parse(line) as Order;
    if (order.kind === "clock") clockShiftMs = order.shiftMs;
    if (order.kind === "memory") {
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      tell({ heapBytes: heapUsed, externalBytes: external });
    }
  });

function tell(word: Hello | Memory): void {
  run.write(`${JSON.stringify(word)}\n`);
}
