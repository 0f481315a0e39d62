// Loaded into a service before its own code (NODE_OPTIONS=--import): lets its steps towards Redis and Postgres go wrong,
// without a hook in it. The orders come from the test, over a connection that is there before the service starts.
import { steps } from "./steps.ts";
import { watchPostgres } from "./watch-postgres.ts";
import { watchRedis } from "./watch-redis.ts";

watchRedis(steps);
watchPostgres(steps);
