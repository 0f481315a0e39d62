import type { FeatureByPath } from "../features.ts";
import { planDevice, type Device } from "./device.ts";

/** The device that brings the older release in: one `create` a feature. */
export function planImportDevice(runId: string, older: FeatureByPath): Device {
  return planDevice(
    "import",
    runId,
    Array.from(older, ([path, data]) => [path, [{ kind: "create", data }]]),
  );
}
