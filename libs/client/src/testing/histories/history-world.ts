import { createClock, type VirtualClock } from "../clock.ts";
import { converge } from "../converge.ts";
import { createDevice } from "../device.ts";
import { CALM, createNetwork, type Network } from "../network.ts";
import { createRandom, type SeededRandom } from "../random.ts";
import { createTestServer, type TestServer, type TestServerBackup } from "../server/test-server.ts";
import { COLLECTIONS, WORKSPACE, type HistoryDevice } from "./history-schema.ts";
import { createWitness, type Witness } from "./witness.ts";

/** Everything that a history happens in. */
export interface World {
  clock: VirtualClock;
  server: TestServer;
  network: Network;
  devices: HistoryDevice[];
  witness: Witness;
  random: SeededRandom;
  /** The number of writes so far, for unique names. */
  writes: number;
  backup: TestServerBackup | undefined;
}

/** Creates a server and devices, which all have the documents that histories start from. */
export async function createWorld(seed: number): Promise<World> {
  const random = createRandom(seed);
  const clock = createClock();
  const delays = random.fork();
  const server = createTestServer({
    clock,
    seed,
    drainDelayMs: () => (delays.chance(0.3) ? 0 : delays.below(300)),
    mergeDelayMs: () => delays.below(3_000),
  });
  const network = createNetwork({ clock, fetch: server.fetch, seed, faults: CALM });
  const tokenTtlMs = random.pick([30_000, 600_000, 3_600_000]);
  const devices = Array.from({ length: 3 + random.below(3) }, (_, at) =>
    createDevice({
      name: `d${at}`,
      clock,
      network,
      server,
      collections: COLLECTIONS,
      workspaces: { [WORKSPACE]: "writer" },
      seed: seed * 10 + at,
      tokenTtlMs,
    }),
  );
  const witness = createWitness(WORKSPACE);
  const world = { clock, server, network, devices, witness, random, writes: 0, backup: undefined };
  for (const device of devices) startDevice(world, device);
  await writeFirstDocuments(world);
  return world;
}

/** Starts a process of a device, watched by the witness. */
export function startDevice({ witness }: World, device: HistoryDevice): void {
  device.start();
  witness.watch(device);
}

async function writeFirstDocuments({ devices, clock, server }: World): Promise<void> {
  const [first] = devices;
  if (first === undefined) throw new Error("A history needs a device");
  const workspace = first.client.workspace(WORKSPACE);
  void workspace.collection("counters").put("c", {});
  void workspace.collection("lists").put("l", { items: [] });
  void workspace.collection("notes").put("m", { text: "" });
  void workspace.transaction((tx) => {
    tx.pairs.put("left", { v: "" });
    tx.pairs.put("right", { v: "" });
  });
  const limitMs = 600_000;
  const isThere = await clock.runUntil(() => server.documents(WORKSPACE).length === 5, limitMs);
  const isRead = await converge({ devices, workspaceId: WORKSPACE, server, clock, limitMs });
  if (!isThere || !isRead) throw new Error("The first documents did not reach every device");
}
