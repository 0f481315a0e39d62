// `npm run chaos -- [--minutes N] [--seed S] [--cluster] [--only NAME]...`: runs a load under faults, and fails on
// violations.
import { parseArgs } from "node:util";
import { runChaos } from "./run-chaos.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
    cluster: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0; got ${values.minutes}`);
if (!Number.isSafeInteger(seed)) throw new Error(`--seed must be a whole number; got ${values.seed}`);
const { cluster, only } = values;
const held = await runChaos({ minutes, seed, cluster, only, say: console.log });
process.exit(held ? 0 : 1);
