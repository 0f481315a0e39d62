import { converge, findDifferences } from "../converge.ts";
import { CALM } from "../network.ts";
import { act, decide } from "./actions.ts";
import { checkFrozen } from "./check-frozen.ts";
import { COLLECTIONS, WORKSPACE, type HistorySchema } from "./history-schema.ts";
import { createWorld, startDevice, type World } from "./history-world.ts";

/** The result of a history: without violations it is as it must be. */
export interface HistoryReport {
  seed: number;
  violations: string[];
  devices: number;
  emissions: number;
  messages: number;
  changes: number;
  conflicts: number;
  virtualMs: number;
}

export interface HistoryOptions {
  /** The number of actions. */
  steps?: number;
  /** True if the server's database is restored from a backup once. */
  restores?: boolean;
}

/** Plays a random history, lets everything come to rest, and checks the end. */
export async function runHistory(
  seed: number,
  { steps = 60, restores = false }: HistoryOptions = {},
): Promise<HistoryReport> {
  const world = await createWorld(seed);
  const { clock, witness, server, network, random } = world;
  const startMs = clock.nowMs();
  const backupAt = restores ? random.below(steps / 2) : Infinity;
  const restoreAt = backupAt + 1 + random.below(steps / 2);
  for (let step = 0; step < steps; step++) {
    if (step === backupAt) world.backup = server.backup();
    if (step === restoreAt && world.backup !== undefined) {
      server.restore(world.backup);
      witness.release();
    }
    await act(world);
    witness.look();
  }
  await rest(world);
  witness.look();
  const wasRestored = restoreAt < steps;
  const violations = [...witness.violations, ...(await checkEnd(world, wasRestored))];
  return {
    seed,
    violations,
    devices: world.devices.length,
    emissions: witness.emissions,
    messages: network.messages.length,
    changes: server.changes(WORKSPACE).length,
    conflicts: server.conflicts(WORKSPACE).length,
    virtualMs: clock.nowMs() - startMs,
  };
}

/** Ends all faults, and lets devices and people do what is left. */
async function rest(world: World): Promise<void> {
  const { network, devices, clock, server, witness } = world;
  network.setFaults(CALM);
  network.heal();
  for (const device of devices) {
    device.setOnline(true);
    device.setVisible(true);
    if (!device.isRunning) startDevice(world, device);
    device.crashAt({ commit: Infinity, when: "before" });
    await device.client.resume();
  }
  for (let round = 0; round < 12; round++) {
    const isDone = await converge({ devices, workspaceId: WORKSPACE, server, clock, limitMs: 10 * 60_000 });
    const parked = server.conflicts(WORKSPACE).filter(({ status }) => status === "parked");
    if (isDone && parked.length === 0) return;
    for (const device of devices) {
      await decide(world, device);
    }
    await clock.advance(1_000);
  }
  const parked = server.conflicts(WORKSPACE).filter(({ status }) => status === "parked");
  const state = {
    seq: server.changes(WORKSPACE).at(-1)?.seq,
    epoch: server.epoch,
    isIdle: server.isIdle,
    parked,
  };
  witness.violations.push(`the history does not come to rest: ${JSON.stringify(state)}`);
  for (const device of devices) {
    const pending = device.client.workspace(WORKSPACE).pending.get();
    witness.violations.push(
      `${device.name} has ${JSON.stringify({ pending, snapshot: await device.client.inspect() })}`,
    );
  }
}

async function checkEnd(
  { server, devices, witness, network }: World,
  wasRestored: boolean,
): Promise<string[]> {
  const violations = server.failures.map(
    (error) => `the server failed: ${String(error instanceof Error ? error.stack : error)}`,
  );
  const names = Object.keys(COLLECTIONS) as (keyof HistorySchema)[];
  for (const { device, collection, id, view, server: has } of await findDifferences(
    devices,
    WORKSPACE,
    server,
    names,
  )) {
    violations.push(
      `${device} shows ${collection}/${id} as ${JSON.stringify(view)}, the server has ${JSON.stringify(has)}`,
    );
  }
  violations.push(...checkFrozen(network.messages));
  const documents = new Map(
    server.documents(WORKSPACE).map((one) => [`${one.collection}/${one.document_id}`, one.data]),
  );
  if (
    JSON.stringify(documents.get("pairs/left")?.["v"]) !== JSON.stringify(documents.get("pairs/right")?.["v"])
  ) {
    violations.push(
      `a group was split: ${JSON.stringify([documents.get("pairs/left"), documents.get("pairs/right")])}`,
    );
  }
  const items = ((documents.get("lists/l")?.["items"] ?? []) as { id: string }[]).map(({ id }) => id);
  if (new Set(items).size < items.length)
    violations.push(`the server has an item twice: ${items.join(", ")}`);
  if (wasRestored) return violations;
  for (const device of devices) {
    const { counted, begun, operationsByItem, entries } = witness.of(device.name);
    const count = Number((documents.get("counters/c") ?? {})[device.name] ?? 0);
    if (count < counted || count > begun) {
      violations.push(`${device.name}: ${counted} to ${begun} increments were made, the server has ${count}`);
    }
    for (const item of operationsByItem.keys()) {
      if (!items.includes(item)) violations.push(`${device.name}: the server does not have its item ${item}`);
    }
    for (const id of entries) {
      if (!documents.has(`entries/${id}`))
        violations.push(`${device.name}: the server does not have its entry ${id}`);
    }
    violations.push(...checkOutcomes(device.name, device.client.workspace(WORKSPACE).outcomes.get()));
  }
  return violations;
}

/** Nothing but conflicts, decisions and deletes of others may end an operation. */
function checkOutcomes(
  device: string,
  outcomes: readonly {
    code: string;
    operations: readonly { collection: string; documentId: string }[];
    errorType?: string;
  }[],
): string[] {
  return outcomes.flatMap(({ code, operations, errorType }) =>
    operations
      .filter(({ collection }) => ["counters", "lists", "entries", "pairs"].includes(collection))
      .filter(() => code !== "applied")
      .map(
        ({ collection, documentId }) =>
          `${device}: a write of ${collection}/${documentId} ended as ${code} (${errorType ?? "no type"})`,
      ),
  );
}
