import { Problem, type DeviceId, type WorkspaceId } from "@syncline/shared/protocol";
import type { PgReads } from "./pg-reads.ts";

const REMEMBERED_MAX = 50_000;

/** Makes sure that only the first subject that used a device uses it. */
export interface DeviceOwners {
  /** @throws {@link Problem} `forbidden` if the device belongs to another subject */
  check(workspaceId: WorkspaceId, deviceId: DeviceId, subject: string): Promise<void>;
}

/** Caches owners, which never change; the oldest entry is evicted first. */
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
        throw new Problem("forbidden", { detail: "This device_id belongs to another subject" });
    },
  };
}
