// `npm run test:histories -- [--runs N] [--seed S] [--replay FILE]`: plays random histories, those of one seed, or one
// that a failure has printed. Without --runs, 300 of a fixed seed and 56 of a fresh one.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { runs: { type: "string" }, seed: { type: "string" }, replay: { type: "string" } },
});
for (const name of ["runs", "seed"] as const) {
  const text = values[name];
  if (text !== undefined && !/^-?\d+$/.test(text))
    throw new Error(`--${name} must be a whole number; got ${text}`);
}
const env = {
  ...process.env,
  HISTORY_VERBOSE: "1",
  HISTORY_RUNS: values.runs ?? "",
  HISTORY_SEED: values.seed ?? "",
  HISTORY_FILE: values.replay === undefined ? "" : resolve(values.replay),
};
const child = spawn(
  process.execPath,
  [...process.execArgv, "stack/src/test.ts", "--silent=false", "tests/histories"],
  {
    env,
    stdio: "inherit",
  },
);
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
