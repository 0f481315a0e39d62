import { createHash } from "node:crypto";
import type { FeatureByPath } from "../features.ts";
import { diffFields, fieldsTouch, readField, type FieldWrite } from "../field-writes.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { planDevice, type Device } from "./device.ts";

/** One document in so many is edited, by what the newer release does to it. */
const ONE_IN = { removed: 8, changed: 3, unchanged: 10 } as const;

/**
 * The device with edits of its own, chosen by a hash of the path: the same ones in every run. Each edited document
 * gets a run of updates, one a field. In documents that the newer release changed too, the last update writes a field
 * that the newer release wrote, where there is one that any three-way merge must call the same field.
 *
 * The documents come in hash order, so that sometimes this device reaches a shared document first, sometimes the other.
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

/** Writes to fields that the newer release leaves alone, all inside objects that it keeps. */
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

/** Another value for the first scalar that the newer release wrote into an object that was there before. */
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
