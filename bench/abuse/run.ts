/**
 * Measures the effect of one subject on all others: attacks the service, and prints the cost and the others' latencies
 * beside the bars.
 *
 *   npm run bench:abuse -- [--only part-of-a-name] [--list]
 *
 * Each case has stores and services of its own, over loopback. The run fails if a bar is broken. The bars are those of
 * a quiet machine with two cores.
 */
import { parseArgs } from "node:util";
import { startAbuseSystem } from "./abuse-system.ts";
import { holds, type Figure } from "./case.ts";
import { ABUSE_CASES } from "./cases/index.ts";

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, list: { type: "boolean", default: false } },
});
const chosen = ABUSE_CASES.filter(({ name }) => name.includes(values.only));
if (chosen.length === 0)
  throw new Error(`No case has "${values.only}" in its name; run --list to show all names`);
if (values.list) {
  for (const { name } of chosen) console.log(name);
  process.exit();
}

let broken = 0;
for (const { name, run } of chosen) {
  console.log(`\n${name}`);
  const system = await startAbuseSystem();
  try {
    for (const figure of await run(system)) {
      console.log(lineOf(figure));
      if (!holds(figure)) broken += 1;
    }
  } finally {
    await system.stop();
  }
}
console.log(broken === 0 ? "\nAll bars hold." : `\n${broken} bars are broken.`);
process.exitCode = broken === 0 ? 0 : 1;

function lineOf(figure: Figure): string {
  const { what, value, unit, bar } = figure;
  const shown = `${Number.isInteger(value) ? value : value.toPrecision(3)} ${unit}`;
  if (bar === undefined) return `          ${what}: ${shown}`;
  const limit = "atMost" in bar ? `at most ${bar.atMost}` : `at least ${bar.atLeast}`;
  return `  ${holds(figure) ? "held  " : "BROKEN"}  ${what}: ${shown} (${limit})`;
}
