import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { planEditsDevice } from "./devices/edits-device.ts";
import { planImportDevice } from "./devices/import-device.ts";
import { planNewerDevice } from "./devices/newer-device.ts";
import { readRelease, sampleReleases, type FeatureByPath } from "./features.ts";
import type { Connection } from "./http-client.ts";
import { openLocalStack } from "./local-stack.ts";
import { createProgress } from "./progress.ts";
import { describePhase, describeTally, findMissing, format, tallyOperations } from "./report.ts";
import { runDevices } from "./run-devices.ts";
import { verifyRun } from "./verify-run.ts";

const FAULTS_PRINTED = 10;

const limit = readLimit();
const older = await readRelease("mdn-data-older");
const newer = await readRelease("mdn-data-newer");
const releases = sampleReleases(older.features, newer.features, limit);

const stack = await openLocalStack();
try {
  const faults = await runExample(stack.connection, releases.older, releases.newer);
  for (const fault of faults.slice(0, FAULTS_PRINTED)) console.error(`  ${fault}`);
  if (faults.length > FAULTS_PRINTED) console.error(`  and ${format(faults.length - FAULTS_PRINTED)} more`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await stack.stop();
}

async function runExample(
  connection: Connection,
  before: FeatureByPath,
  after: FeatureByPath,
): Promise<string[]> {
  const runId = `${Date.now().toString(36)}-${randomBytes(3).toString("hex")}`;
  const collection = `mdn-${runId}`;
  console.log(
    `Browser compatibility data ${older.version} (${format(before.size)} features) and ${newer.version} ` +
      `(${format(after.size)}), in collection ${collection}`,
  );
  const importer = planImportDevice(runId, before);
  const newerDevice = planNewerDevice(runId, before, after);
  const editsDevice = planEditsDevice(runId, before, after);
  const syncCount = newerDevice.runs.flat().length + editsDevice.runs.flat().length;

  const imported = await runDevices(
    connection,
    collection,
    [importer],
    createProgress("import", before.size),
  );
  const devices = [newerDevice, editsDevice];
  const synced = await runDevices(connection, collection, devices, createProgress("sync  ", syncCount));
  const tally = tallyOperations([...imported.operations, ...synced.operations]);
  console.log(describePhase("import", imported));
  console.log(describePhase("sync", synced));
  console.log(describeTally(tally));

  const { faults, summary } = await verifyRun(connection, collection, before, after, {
    imported: imported.operations,
    newer: synced.operations.filter((operation) => operation.deviceId === newerDevice.deviceId),
    edits: synced.operations.filter((operation) => operation.deviceId === editsDevice.deviceId),
  });
  console.log(summary);
  return [...faults, ...findMissing(tally)];
}

function readLimit(): number {
  const { values } = parseArgs({ options: { limit: { type: "string" } } });
  const text = values.limit ?? process.env["MDN_LIMIT"];
  if (text === undefined) return Infinity;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--limit must be a number of features; got ${text}`);
  return count;
}
