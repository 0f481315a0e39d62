// Loaded into a service before its own code (NODE_OPTIONS=--import): injects faults into its steps towards Redis and
// Postgres, without a hook in the service. The orders come from the test, over a connection that exists before the
// service starts.
import { isMainThread } from "node:worker_threads";

// A service's threads load it, too, but use no store.
if (isMainThread) {
  const { steps } = await import("./steps.ts");
  const { watchPostgres } = await import("./watch-postgres.ts");
  const { watchRedis } = await import("./watch-redis.ts");
  watchRedis(steps);
  watchPostgres(steps);
}
