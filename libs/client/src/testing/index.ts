/**
 * A Syncline server in memory, a network and a clock, for tests of apps and of the client itself.
 *
 * @packageDocumentation
 */
export { createClock, type VirtualClock } from "./clock.ts";
export { converge, findDifferences, isSettled, type Difference } from "./converge.ts";
export { createCrashingStorage, type CrashingStorage, type CrashPoint } from "./crashing-storage.ts";
export { createDevice, type Device, type DeviceOptions } from "./device.ts";
export { expectNoBlink, type BlinkWatch } from "./expect-no-blink.ts";
export {
  CALM,
  createNetwork,
  PORTAL,
  problem,
  STORMY,
  type Fault,
  type FaultRates,
  type Message,
  type Network,
} from "./network.ts";
export { createRandom, uuidV7, type SeededRandom } from "./random.ts";
export {
  createTestServer,
  type TestServer,
  type TestServerBackup,
  type TestServerOptions,
} from "./server/test-server.ts";
export { storageTests, type StorageHarness, type StorageTest } from "./storages/index.ts";
