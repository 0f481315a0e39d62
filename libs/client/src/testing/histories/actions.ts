import { STORMY, CALM } from "../network.ts";
import { WORKSPACE, type HistoryDevice } from "./history-schema.ts";
import { startDevice, type World } from "./history-world.ts";
import { noteWhenStored } from "./witness.ts";

type Action = (world: World, device: HistoryDevice) => void | Promise<void>;

const unique = (world: World, device: HistoryDevice) => `${device.name}-${++world.writes}`;
const workspaceOf = (device: HistoryDevice) => device.client.workspace(WORKSPACE);

const count: Action = ({ witness }, device) => {
  const promised = witness.of(device.name);
  promised.begun += 1;
  const write = workspaceOf(device)
    .collection("counters")
    .update("c", (draft) => {
      draft[device.name] = (draft[device.name] ?? 0) + 1;
    });
  noteWhenStored(witness, write, () => (promised.counted += 1));
};

const append: Action = (world, device) => {
  const item = unique(world, device);
  const write = workspaceOf(device)
    .collection("lists")
    .update("l", (draft) => {
      draft.items.push({ id: item });
    });
  noteWhenStored(world.witness, write, (ids) =>
    world.witness.of(device.name).operationsByItem.set(item, ids),
  );
};

const pair: Action = (world, device) => {
  const v = unique(world, device);
  const write = workspaceOf(device).transaction((tx) => {
    tx.pairs.update("left", { v });
    tx.pairs.update("right", { v });
  });
  noteWhenStored(world.witness, write, () => undefined);
};

const note: Action = (world, device) => {
  const write = workspaceOf(device)
    .collection("notes")
    .update("m", { text: unique(world, device) });
  noteWhenStored(world.witness, write, () => undefined);
};

/** A person decides a conflict that is left to one, if there is any. */
export const decide: Action = ({ random }, device) => {
  const [parked] = workspaceOf(device).conflicts.get();
  if (parked === undefined) return;
  const choice = random.pick(["server", "local", "merged", "data"] as const);
  const decision = choice === "data" ? { choice, data: { text: `decided by ${device.name}` } } : { choice };
  // A decision may come too late: the conflict is left to be decided again.
  workspaceOf(device)
    .resolve(parked.conflictId, decision)
    .catch(() => undefined);
};

const entry: Action = (world, device) => {
  const id = unique(world, device);
  const { entries, maybeEntries } = world.witness.of(device.name);
  maybeEntries.add(id);
  const write = workspaceOf(device).collection("entries").create({ id, by: device.name });
  noteWhenStored(world.witness, write, () => entries.add(id));
};

const change: Action = (world, device) => {
  const things = workspaceOf(device).collection("things");
  const id = world.random.pick(["t0", "t1", "t2"]);
  const value = unique(world, device);
  const writes = [
    () => things.create({ id, by: device.name, a: value }),
    () => things.put(id, { b: value }),
    () => things.update(id, { a: value }),
    () => things.update(id, { b: value }),
    () => things.delete(id),
  ];
  // An update or a delete of a document that the device does not have is refused by the device.
  world.random
    .pick(writes)()
    .catch(() => undefined);
};

const crash: Action = ({ random }, device) => {
  if (random.chance(0.3)) device.crash();
  else device.crashAt({ commit: 1 + random.below(8), when: random.pick(["before", "after"] as const) });
};

/** Longest time of an orderly stop: a request under way is given up before. */
const STOP_MS_MAX = 60_000;

const stop: Action = async ({ clock, witness }, device) => {
  void device.stop();
  const isStopped = await clock.runUntil(() => !device.isRunning, STOP_MS_MAX);
  if (!isStopped) witness.violations.push(`${device.name} does not stop`);
};

const storm: Action = ({ network, random }) => network.setFaults(random.chance(0.6) ? STORMY : CALM);

const partition: Action = ({ network, devices, random }) => {
  if (random.chance(0.5)) network.heal();
  else network.partition(...devices.filter(() => random.chance(0.4)).map(({ name }) => name));
};

const cut: Action = ({ network }) => network.cutStreams();

const showOrHide: Action = ({ random }, device) => {
  device.setOnline(random.chance(0.6));
  device.setVisible(random.chance(0.6));
};

const sync: Action = (_, device) => void device.client.syncNow().catch(() => undefined);

const pauseOrResume: Action = ({ random }, device) =>
  void (random.chance(0.3) ? device.client.pause() : device.client.resume()).catch(() => undefined);

const forgetHistory: Action = ({ server, random }) => {
  const seq = server.changes(WORKSPACE).at(-1)?.seq ?? 0;
  server.dropHistory(WORKSPACE, random.below(seq + 1));
};

/** Actions with their weights. */
const ACTIONS: readonly (readonly [weight: number, action: Action])[] = [
  [12, count],
  [12, append],
  [8, pair],
  [5, note],
  [5, decide],
  [6, entry],
  [10, change],
  [5, crash],
  [1, stop],
  [3, storm],
  [3, partition],
  [2, cut],
  [2, showOrHide],
  [3, sync],
  [1, pauseOrResume],
  [1, forgetHistory],
];
const WEIGHTS = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);

/** Lets a device act, or starts it if it does not run. */
export async function act(world: World): Promise<void> {
  const { random, devices, clock } = world;
  const device = random.pick(devices);
  if (device.isRunning) await draw(world)(world, device);
  else if (random.chance(0.6)) startDevice(world, device);
  const pause = random.pick([0, 0, 10, 100, 1_000, 5_000, 60_000]);
  await clock.advance(random.below(pause + 1));
}

function draw({ random }: World): Action {
  let left = random.below(WEIGHTS);
  for (const [weight, action] of ACTIONS) {
    left -= weight;
    if (left < 0) return action;
  }
  return count;
}
