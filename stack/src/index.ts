// The API for integration tests and benchmarks. `npm start` and `npm test` are start.ts and test.ts.
export { createDevToken } from "./dev-token.ts";
export type { DevTokenOptions, WorkspaceRole } from "./dev-token.ts";
export type { DevFile } from "./dev-file.ts";
export { prepareRoles } from "./database-roles.ts";
export type { RoleUrls } from "./database-roles.ts";
export { findFreePorts } from "./free-port.ts";
export { ManagedProcess } from "./managed-process.ts";
export { builtPrograms, sourcePrograms } from "./service-programs.ts";
export type { ServicePrograms } from "./service-programs.ts";
export { testedPrograms } from "./testing/bundle-services.ts";
export { startSyncline } from "./testing/start-syncline.ts";
export type { RunningSyncline, StartSynclineOptions } from "./testing/start-syncline.ts";
export { createTestDatabase } from "./testing/test-database.ts";
export type { TestDatabase } from "./testing/test-database.ts";
export { createTestRedisUrl } from "./testing/test-redis.ts";
export { startLocalStores, startTestStores } from "./testing/test-stores.ts";
export type { LocalStores, TestStores } from "./testing/test-stores.ts";
