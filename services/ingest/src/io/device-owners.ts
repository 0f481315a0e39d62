import type { DeviceId, WorkspaceId } from "@syncline/shared/protocol";
import { LRUCache } from "lru-cache";
import type { PgReads } from "./pg-reads.ts";

const REMEMBERED_MAX = 50_000;

/** Knows which subject owns a device: the first one that used it in the workspace. */
export interface DeviceOwners {
  /** Claims the device for the subject if it has no owner. False if another subject owns it. */
  isOwner(workspaceId: WorkspaceId, deviceId: DeviceId, subject: string): Promise<boolean>;
}

/** Caches owners, which never change; the least recently used one is evicted first. */
export function createDeviceOwners(reads: Pick<PgReads, "claimDevice">): DeviceOwners {
  const ownerByDevice = new LRUCache<string, string>({ max: REMEMBERED_MAX });
  return {
    async isOwner(workspaceId, deviceId, subject) {
      const key = JSON.stringify([workspaceId, deviceId]);
      const owner = ownerByDevice.get(key) ?? (await reads.claimDevice(workspaceId, deviceId, subject));
      ownerByDevice.set(key, owner);
      return owner === subject;
    },
  };
}
