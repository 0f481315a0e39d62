import type { Storage } from "../../ports/index.ts";
import { COMMITS } from "./commits.ts";
import type { Device, StorageHarness } from "./harness.ts";
import { LIFETIME } from "./lifetime.ts";
import { READS } from "./reads.ts";

export { groupChanges, readWholeGroup } from "./groups.ts";
export type { StorageHarness } from "./harness.ts";

/** A test for any test runner: `for (const { name, run } of storageTests(createHarness)) it(name, run)`. */
export interface StorageTest {
  readonly name: string;
  run: () => Promise<void>;
}

/**
 * Returns the conformance tests that each `Storage` must pass. They need no test runner and no assertion library, so
 * that they also run in a page of a browser.
 *
 * @param createHarness - makes a device without databases, for one test
 */
export function storageTests(
  createHarness: () => StorageHarness | Promise<StorageHarness>,
  { canFill = false }: { canFill?: boolean } = {},
): StorageTest[] {
  return [...READS, ...COMMITS, ...LIFETIME]
    .filter(({ needs }) => needs !== "fill" || canFill)
    .map(({ name, run }) => ({
      name,
      async run() {
        const harness = await createHarness();
        const opened: Storage[] = [];
        try {
          await run(deviceOf(harness, opened));
        } finally {
          for (const storage of opened) await storage.close();
          await harness.dispose?.();
        }
      },
    }));
}

function deviceOf(harness: StorageHarness, connected: Storage[]): Device {
  const connect = () => {
    const storage = harness.connect();
    connected.push(storage);
    return storage;
  };
  return {
    connect,
    async open(name = "syncline:test:ann", layout = 1) {
      const storage = connect();
      await storage.open(name, layout);
      return storage;
    },
    async fill() {
      if (harness.fill === undefined) throw new Error("the harness cannot fill the device");
      return harness.fill();
    },
  };
}
