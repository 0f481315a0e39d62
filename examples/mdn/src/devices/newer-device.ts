import type { FeatureByPath } from "../features.ts";
import { diffFields } from "../field-writes.ts";
import type { JsonObject } from "../json.ts";
import { planDevice, type Device, type DocumentChange } from "./device.ts";

/** Plans the device that brings the newer release: its changes, additions and removals since the older one. */
export function planNewerDevice(runId: string, older: FeatureByPath, newer: FeatureByPath): Device {
  const paths = [...new Set([...older.keys(), ...newer.keys()])].sort();
  return planDevice(
    "newer",
    runId,
    paths.flatMap((path): [string, DocumentChange[]][] => {
      const change = planChange(older.get(path), newer.get(path));
      return change === undefined ? [] : [[path, [change]]];
    }),
  );
}

function planChange(
  before: JsonObject | undefined,
  after: JsonObject | undefined,
): DocumentChange | undefined {
  if (after === undefined) return { kind: "delete" };
  if (before === undefined) return { kind: "create", data: after };
  const writes = diffFields(before, after);
  return writes.length === 0 ? undefined : { kind: "update", writes };
}
