import type { Snapshot, Written } from "../../public/documents.ts";
import type { HistoryDevice } from "./history-schema.ts";

/** The writes that a device was promised: one whose promise has resolved must never be lost. */
interface Promised {
  /** The operations that each item was written by. */
  operationsByItem: Map<string, readonly string[]>;
  /** Increments that were stored, and those that were begun. */
  counted: number;
  begun: number;
  entries: Set<string>;
  /** Entries whose process crashed before it said if they were stored. */
  maybeEntries: Set<string>;
}

/** Watches every emission of every device, and remembers what was promised. */
export interface Witness {
  /** Watches the running process of a device. */
  watch(device: HistoryDevice): void;
  of(device: string): Promised;
  /** Checks the emissions since the last call. */
  look(): void;
  /** Ends all checks: the server's database went back, and what it had confirmed is lost with it. */
  release(): void;
  readonly violations: string[];
  /** The number of emissions that were checked. */
  readonly emissions: number;
}

type Counters = Record<string, number>;
type List = { items: { id: string }[] };

/** Creates a witness of the views of a workspace. */
export function createWitness(workspaceId: string): Witness {
  const violations: string[] = [];
  const promisedByDevice = new Map<string, Promised>();
  /** Absences that an outcome may still explain: the stores of one commit are told one after the other. */
  let absences: { device: HistoryDevice; item: string; operations: readonly string[]; list: List }[] = [];
  const highestByDevice = new Map<string, Map<string, number>>();
  let emissions = 0;
  let isReleased = false;

  const of = (device: string) => {
    const known = promisedByDevice.get(device);
    if (known !== undefined) return known;
    const made = {
      operationsByItem: new Map<string, readonly string[]>(),
      counted: 0,
      begun: 0,
      entries: new Set<string>(),
      maybeEntries: new Set<string>(),
    };
    promisedByDevice.set(device, made);
    return made;
  };

  function checkCounters(device: string, counters: Counters): void {
    const highest = highestByDevice.get(device) ?? new Map<string, number>();
    highestByDevice.set(device, highest);
    for (const [name, before] of highest) {
      const now = counters[name] ?? 0;
      if (now < before) violations.push(`${device}: the counter of ${name} went from ${before} to ${now}`);
    }
    for (const [name, now] of Object.entries(counters))
      highest.set(name, Math.max(now, highest.get(name) ?? 0));
    const { counted } = of(device);
    const own = counters[device] ?? 0;
    if (own < counted) violations.push(`${device}: shows ${own} of its own ${counted} increments`);
  }

  function checkList(device: HistoryDevice, list: List): void {
    const names = list.items.map(({ id }) => id);
    const twice = names.filter((name, at) => names.indexOf(name) !== at);
    if (twice.length > 0) violations.push(`${device.name}: shows ${twice.join(", ")} twice`);
    for (const [item, operations] of of(device.name).operationsByItem) {
      if (!names.includes(item)) absences.push({ device, item, operations, list });
    }
  }

  function watchOne<T>(
    store: { get(): Snapshot<T> | undefined; subscribe(listener: () => void): () => void },
    check: (data: T) => void,
  ): void {
    store.subscribe(() => {
      const snapshot = store.get();
      emissions += 1;
      if (snapshot !== undefined && !isReleased) check(snapshot.data);
    });
  }

  return {
    watch(device) {
      const workspace = device.client.workspace(workspaceId);
      watchOne(workspace.collection("counters").watch("c"), (data) => checkCounters(device.name, data));
      watchOne(workspace.collection("lists").watch("l"), (data) => checkList(device, data));
    },
    of,
    look() {
      for (const { device, item, operations, list } of absences) {
        const outcomes = device.isRunning ? device.client.workspace(workspaceId).outcomes.get() : [];
        const isEnded = outcomes.some((outcome) =>
          outcome.operations.some(({ operationIds }) => operationIds.some((id) => operations.includes(id))),
        );
        if (isEnded || !device.isRunning) continue;
        violations.push(`${device.name}: its item ${item} disappeared from ${JSON.stringify(list.items)}`);
      }
      absences = [];
    },
    release() {
      isReleased = true;
      absences = [];
    },
    violations,
    get emissions() {
      return emissions;
    },
  };
}

/** Notes a write when it is stored. A rejected one is a fault: nothing in a history may be refused by the device. */
export function noteWhenStored<R>(
  witness: Witness,
  write: Promise<Written<R>>,
  stored: (ids: readonly string[]) => void,
): void {
  write.then(
    ({ ids }) => stored(ids),
    (error: unknown) => void witness.violations.push(`a write was rejected: ${String(error)}`),
  );
}
