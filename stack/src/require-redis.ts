// Looks for a Redis server, and installs one if it may, before anything else is downloaded. It runs without dependencies.
import { findRedisServer } from "./redis-binary.ts";
import { explainFailure } from "./stack-error.ts";

try {
  // One that was given is checked once it can be reached.
  if (!process.env["REDIS_URL"]) await findRedisServer((line) => console.error(line));
} catch (error) {
  console.error(explainFailure(error) ?? error);
  process.exitCode = 1;
}
