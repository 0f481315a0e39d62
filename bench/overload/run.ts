/**
 * What happens when there is more to do than can be done: how much is done at 5 times what the system can do, and what
 * the others notice of one workspace that sends 50 times as much as each of them.
 *
 *   npm run bench:overload -- [--seconds 60] [--only overload|fairness]
 *
 * On stores and services of its own, over loopback, with the load on a core of its own: on Linux, with two cores at least.
 * It fails where what is promised does not hold.
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
if (!(seconds >= 1)) throw new Error(`--seconds takes a number from 1, not ${values.seconds}`);

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
