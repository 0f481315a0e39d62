// Finds a Redis server, and installs one if possible, before any download. Runs without dependencies.
import { findRedisServer } from "./redis-binary.ts";
import { explainFailure } from "./stack-error.ts";

try {
  // A given Redis is checked later, once dependencies are installed.
  if (!process.env["REDIS_URL"]) await findRedisServer((line) => console.error(line));
} catch (error) {
  console.error(explainFailure(error) ?? error);
  process.exitCode = 1;
}
