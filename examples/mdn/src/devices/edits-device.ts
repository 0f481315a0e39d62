import { createHash } from "node:crypto";
import type { FeatureByPath } from "../features.ts";
import { diffFields, fieldsTouch, readField, type FieldWrite } from "../field-writes.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { planDevice, type Device } from "./device.ts";

/** The share of edited documents, by the newer release's effect on the document. */
const ONE_IN = { removed: 8, changed: 3, unchanged: 10 } as const;

/**
 * Plans the device with its own edits, chosen by a hash of the path: the same ones in every run. Each edited document
 * gets a run of updates, one a field. In documents that the newer release also changed, the last update writes a field
 * that the newer release wrote, if there is one that any three-way merge must call the same field.
 *
 * The documents come in hash order, so that each device reaches some shared documents first.
 */
export function planEditsDevice(runId: string, older: FeatureByPath, newer: FeatureByPath): Device {
  const runs = Array.from(older, ([path, before]) => {
    const hash = createHash("sha256").update(path).digest();
    return { path, before, order: hash.readUInt32BE(0), draw: hash.readUInt32BE(4) };
  })
    .sort((left, right) => left.order - right.order)
    .flatMap(({ path, before, draw }): [string, FieldWrite[]][] => {
      const after = newer.get(path);
      const theirs = after === undefined ? [] : diffFields(before, after);
      const fate = after === undefined ? "removed" : theirs.length > 0 ? "changed" : "unchanged";
      if (draw % ONE_IN[fate] !== 0) return [];
      return [
        [path, [...planOwnFields(path, before, after ?? before, theirs), ...planSharedField(before, theirs)]],
      ];
    });
  return planDevice(
    "edits",
    runId,
    runs.map(([path, writes]) => [path, writes.map((write) => ({ kind: "update", writes: [write] }))]),
  );
}

/** Plans writes to fields that the newer release leaves alone, all inside objects that it keeps. */
function planOwnFields(
  path: string,
  before: JsonObject,
  after: JsonObject,
  theirs: readonly FieldWrite[],
): FieldWrite[] {
  const isKeptObject = (keys: readonly string[]): boolean =>
    isJsonObject(readField(before, keys)) && isJsonObject(readField(after, keys));
  const browsers = Object.keys(isJsonObject(before["support"]) ? before["support"] : {});
  const browser = browsers.find((name) => isKeptObject(["support", name]));

  const writes: FieldWrite[] = [{ keys: ["description"], value: `Reviewed: ${path}` }];
  if (browser !== undefined) writes.push({ keys: ["support", browser, "notes"], value: `Tested: ${path}` });
  if (isKeptObject(["status"])) {
    writes.push({
      keys: ["status", "experimental"],
      value: readField(before, ["status", "experimental"]) !== true,
    });
  }
  return writes.filter((write) => !theirs.some((their) => fieldsTouch(write, their)));
}

/** Plans another value for the first scalar that the newer release wrote into an existing object. */
function planSharedField(before: JsonObject, theirs: readonly FieldWrite[]): FieldWrite[] {
  for (const { keys, value } of theirs) {
    const was = readField(before, keys);
    const hasParent = isJsonObject(readField(before, keys.slice(0, -1)));
    if (isScalar(value) && hasParent && (was === undefined || isScalar(was))) {
      return [{ keys, value: `${value} (edited)` }];
    }
  }
  return [];
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
