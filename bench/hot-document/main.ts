/**
 * Many devices write one document at once, through real processes, each its own fields. Checks that no edit is lost,
 * and prints the rounds that the merges took and the duration.
 *
 * npm run bench:hot-document -- [--devices 50] [--fields 200] [--operations 2000] [--per-batch 1]
 *
 * `TEST_STACK` selects the stores, as for `npm test`. The services take their own variables, such as MERGE_ROUNDS_MAX,
 * from the environment.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { migrate } from "@syncline/store";
import { startSyncline, startTestStores } from "@syncline/stack";
import { countByRounds, planLoad, writeHotDocument, type Load, type Outcome } from "./hot-document.ts";

const BAR_WIDTH = 40;

const load = readLoad();
const stores = await startTestStores(process.env);
try {
  await migrate({ databaseUrl: stores.databaseServerUrl });
  const { databaseServerUrl: databaseUrl, redisUrl, home } = stores;
  const syncline = await startSyncline({ databaseUrl, redisUrl, home });
  try {
    const workspaceId = randomUUID();
    const token = await syncline.token({ [workspaceId]: "admin" });
    const outcome = await writeHotDocument({ ingestUrl: syncline.ingestUrl, token, workspaceId }, load);
    report(outcome);
    process.exitCode = check(outcome) ? 0 : 1;
  } finally {
    await syncline.stop();
  }
} finally {
  await stores.stop();
}

function report({ conflicts, durationMs }: Outcome): void {
  const { devices, fields, operations, perBatch } = load;
  console.log(
    `${devices} devices, 1 document of ${fields} fields, ${operations} operations in batches of ${perBatch}: ` +
      `${(durationMs / 1_000).toFixed(1)} s, ${Math.round((operations / durationMs) * 1_000)} operations/s`,
  );
  const rounds = conflicts.map(({ round }) => round).toSorted((a, b) => a - b);
  const median = rounds[rounds.length >> 1] ?? 0;
  console.log(`${conflicts.length} conflicts; rounds: median ${median}, max ${rounds.at(-1) ?? 0}`);
  for (const [round, count] of countByRounds(conflicts)) {
    const bar = "█".repeat(Math.ceil((BAR_WIDTH * count) / conflicts.length));
    console.log(`${String(round).padStart(4)} ${bar.padEnd(BAR_WIDTH)} ${count}`);
  }
}

function check({ data, version, conflicts }: Outcome): boolean {
  const { model } = planLoad(load);
  const open = conflicts.filter(({ status }) => status !== "resolved").length;
  const right = isDeepStrictEqual(data, model) && version === 1 + load.operations && open === 0;
  console.log(
    right
      ? `The document equals the model's, at version ${version}: no edit is lost.`
      : `WRONG: version ${version}, ${open} unresolved conflicts; the document:\n${JSON.stringify(data)}`,
  );
  return right;
}

function readLoad(): Load {
  const { values } = parseArgs({
    options: {
      devices: { type: "string", default: "50" },
      fields: { type: "string", default: "200" },
      operations: { type: "string", default: "2000" },
      "per-batch": { type: "string", default: "1" },
    },
  });
  return {
    devices: Number(values.devices),
    fields: Number(values.fields),
    operations: Number(values.operations),
    perBatch: Number(values["per-batch"]),
  };
}
