// `npm test`: runs Vitest, which starts stores if tests need them, and prints the counts on the last line. Without
// arguments it leaves out the proofs, which take minutes each and have their own commands.
import { parseCLI, startVitest } from "vitest/node";
import type { Vitest } from "vitest/node";

const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
if (process.argv.length === 2) options.project = ["unit", "stack"];
const vitest = await startVitest("test", filter, options);
await vitest.close();

const { passed, failed } = countResults(vitest);
if (passed + failed === 0) console.error("No test ran.");
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : Number(process.exitCode ?? 0));

/** Counts the results. A file that could not run, and an error outside any test, each count as a failure. */
function countResults({ state }: Vitest): { passed: number; failed: number } {
  let passed = 0;
  let failed = state.getUnhandledErrors().length;
  for (const module of state.getTestModules()) {
    let failedInModule = 0;
    for (const test of module.children.allTests()) {
      const { state: outcome } = test.result();
      if (outcome === "passed") passed += 1;
      if (outcome === "failed") failedInModule += 1;
    }
    failed += module.state() === "failed" ? Math.max(failedInModule, 1) : failedInModule;
  }
  return { passed, failed };
}
