// `npm run fuzz -- [--requests N] [--seed S]`: sends random requests, 100,000 of a fresh seed by default.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { requests: { type: "string" }, seed: { type: "string" } } });
for (const name of ["requests", "seed"] as const) {
  const text = values[name];
  if (text !== undefined && !/^\d+$/.test(text))
    throw new Error(`--${name} must be a whole number; got ${text}`);
}
const env = {
  ...process.env,
  FUZZ_REQUESTS: values.requests ?? "100000",
  FUZZ_SEED: values.seed ?? String(Date.now() % 2 ** 31),
};
console.log(`Seed ${env.FUZZ_SEED}`);
const child = spawn(
  process.execPath,
  [...process.execArgv, "stack/src/test.ts", "--silent=false", "tests/fuzz"],
  {
    env,
    stdio: "inherit",
  },
);
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
