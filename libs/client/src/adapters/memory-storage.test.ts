import { describe, it } from "vitest";
import { storageTests } from "../testing/storages/index.ts";
import { memoryStorage, type MemoryDatabases } from "./memory-storage.ts";

describe("storage in memory", () => {
  const createHarness = () => {
    const databases: MemoryDatabases = new Map();
    return { connect: () => memoryStorage(databases) };
  };
  for (const { name, run } of storageTests(createHarness)) it(name, run);
});
