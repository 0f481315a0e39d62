/**
 * A Syncline server in memory, a network and a clock, for tests of apps and of the client itself.
 *
 * @packageDocumentation
 */
export { createClock, type VirtualClock } from "./clock.ts";
export { createRandom, uuidV7, type SeededRandom } from "./random.ts";
export {
  createTestServer,
  type TestServer,
  type TestServerBackup,
  type TestServerOptions,
} from "./server/test-server.ts";
export { storageTests, type StorageHarness, type StorageTest } from "./storages/index.ts";
