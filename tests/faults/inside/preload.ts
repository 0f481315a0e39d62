// Loaded into a service before its own code (NODE_OPTIONS=--import): lets its steps towards Redis and Postgres go wrong,
// without a hook in it. The orders come from the test, over a connection that is there before the service starts.
import { isMainThread } from "node:worker_threads";

// A service's threads load it, too, and speak to no store.
if (isMainThread) {
  const { steps } = await import("./steps.ts");
  const { watchPostgres } = await import("./watch-postgres.ts");
  const { watchRedis } = await import("./watch-redis.ts");
  watchRedis(steps);
  watchPostgres(steps);
}
