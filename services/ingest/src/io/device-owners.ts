import { Problem } from "@syncline/runtime";
import type { PgReads } from "./pg-reads.ts";

const REMEMBERED_MAX = 50_000;

/** Sees to it that a device is used by the first subject that used it, and by nobody else. */
export interface DeviceOwners {
  /** @throws {@link Problem} `forbidden` where the device is another's */
  check(workspaceId: string, deviceId: string, subject: string): Promise<void>;
}

/** An owner never changes, so what was once read is remembered; the oldest is forgotten first. */
export function createDeviceOwners(reads: Pick<PgReads, "claimDevice">): DeviceOwners {
  const ownerByDevice = new Map<string, string>();
  return {
    async check(workspaceId, deviceId, subject) {
      const key = JSON.stringify([workspaceId, deviceId]);
      const owner = ownerByDevice.get(key) ?? (await reads.claimDevice(workspaceId, deviceId, subject));
      if (!ownerByDevice.has(key) && ownerByDevice.size >= REMEMBERED_MAX) {
        for (const oldest of ownerByDevice.keys()) {
          ownerByDevice.delete(oldest);
          break;
        }
      }
      ownerByDevice.set(key, owner);
      if (owner !== subject)
        throw new Problem("forbidden", { detail: "This device_id is used by another subject" });
    },
  };
}
