import type { Schema } from "../public/options.ts";
import type { VirtualClock } from "./clock.ts";
import type { Device } from "./device.ts";
import type { TestServer } from "./server/test-server.ts";

/** A document as a device and the server see it. */
export interface Difference {
  device: string;
  workspace: string;
  collection: string;
  id: string;
  view: unknown;
  server: unknown;
}

/** Reports whether a device waits for nothing: its outbox is empty, and it has read the whole feed. */
export async function isSettled<S extends Schema>(
  device: Device<S>,
  workspaceId: string,
  server: TestServer,
): Promise<boolean> {
  const { client } = device;
  const status = client.workspace(workspaceId).status.get();
  if (status.pending > 0 || status.heldBack > 0) return false;
  const snapshot = await client.inspect();
  const { epoch, checkpoint = -1 } = snapshot.workspaces[workspaceId] ?? {};
  return epoch === server.epoch && checkpoint >= (server.changes(workspaceId).at(-1)?.seq ?? 0);
}

/**
 * Lets time pass until the server is idle and every device has sent and read everything.
 * @returns false if that does not happen within `limitMs`
 */
export async function converge<S extends Schema>(options: {
  devices: readonly Device<S>[];
  workspaceId: string;
  server: TestServer;
  clock: VirtualClock;
  limitMs?: number;
}): Promise<boolean> {
  const { devices, workspaceId, server, clock, limitMs = 3_600_000 } = options;
  const untilMs = clock.nowMs() + limitMs;
  while (clock.nowMs() < untilMs) {
    const settled = await Promise.all(devices.map((device) => isSettled(device, workspaceId, server)));
    if (server.isIdle && settled.every(Boolean)) return true;
    await clock.advance(1_000);
  }
  return false;
}

/** Compares the views of devices with the server's documents. */
export async function findDifferences<S extends Schema>(
  devices: readonly Device<S>[],
  workspaceId: string,
  server: TestServer,
  collections: readonly (keyof S & string)[],
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const documents = server.documents(workspaceId);
  for (const device of devices) {
    for (const collection of collections) {
      const expected = new Map(
        documents
          .filter((one) => one.collection === collection)
          .map((one) => [one.document_id, one.data as unknown]),
      );
      const query = device.client.workspace(workspaceId).collection(collection).query({ limit: 10_000 });
      const seen = new Map((await query.get()).map(({ id, data }) => [id, data as unknown]));
      for (const id of new Set([...expected.keys(), ...seen.keys()])) {
        const view = seen.get(id);
        const server = expected.get(id);
        if (canonical(view) === canonical(server)) continue;
        differences.push({ device: device.name, workspace: workspaceId, collection, id, view, server });
      }
    }
  }
  return differences;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
