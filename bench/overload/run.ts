/**
 * Measures overload: the goodput at 5 times capacity, and the latencies of others beside one workspace that sends 50
 * times as much as each of them.
 *
 *   npm run bench:overload -- [--seconds 60] [--only overload|fairness]
 *
 * Runs on stores and services of its own, over loopback, with the load on a core of its own: needs Linux and at least
 * two cores. Fails if a claim does not hold.
 */
import { parseArgs } from "node:util";
import { measureFairness } from "./measure-fairness.ts";
import { measureOverload } from "./measure-overload.ts";
import { startBenchSystem } from "./bench-system.ts";
import { shareCores } from "./cores.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, only: { type: "string" } },
});
const seconds = Number(values.seconds);
if (!(seconds >= 1)) throw new Error(`--seconds must be a number of at least 1; got ${values.seconds}`);

const measures = { overload: measureOverload, fairness: measureFairness };
const cores = shareCores();
let held = true;
for (const [name, measure] of Object.entries(measures)) {
  if (values.only !== undefined && values.only !== name) continue;
  const system = await startBenchSystem(cores);
  try {
    for (const { what, holds } of await measure(system, { seconds })) {
      console.log(`${holds ? "  held" : "BROKEN"}  ${what}`);
      held &&= holds;
    }
  } finally {
    await system.stop();
  }
}
process.exit(held ? 0 : 1);
