import type { FeatureByPath } from "../features.ts";
import { planDevice, type Device } from "./device.ts";

/** Plans the device that imports the older release: one `create` a feature. */
export function planImportDevice(runId: string, older: FeatureByPath): Device {
  return planDevice(
    "import",
    runId,
    Array.from(older, ([path, data]) => [path, [{ kind: "create", data }]]),
  );
}
