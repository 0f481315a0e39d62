import type pg from "pg";
import type { ReadinessCheck } from "../http/health.ts";
import { createGauge, observe } from "./metrics.ts";

/** Shorter than a reader of metrics waits. */
const PING_TIMEOUT_MS = 2_000;

/** Whether each store answers this process, and how fast: asked when somebody reads the metrics. */
export function observeStores(checkByName: Readonly<Record<string, ReadinessCheck>>): void {
  const up = createGauge("syncline.store.up", "Whether a store answers this process: 1, or 0", "{store}");
  const ping = createGauge("syncline.store.ping", "How long a store took to answer a ping", "s");
  observe([up, ping], async (result) => {
    await Promise.all(
      Object.entries(checkByName).map(async ([name, check]) => {
        const attributes = { "syncline.store": name };
        const seconds = await timeToAnswer(check);
        result.observe(up, seconds === undefined ? 0 : 1, attributes);
        if (seconds !== undefined) result.observe(ping, seconds, attributes);
      }),
    );
  });
}

/** `undefined` where there is no answer, or none in time. Why not is told by the readiness check. */
async function timeToAnswer(check: ReadinessCheck): Promise<number | undefined> {
  const startedAtMs = performance.now();
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), PING_TIMEOUT_MS);
  const answered = check().then(
    () => (performance.now() - startedAtMs) / 1_000,
    () => undefined,
  );
  const seconds = await Promise.race([answered, late]);
  clearTimeout(timer);
  return seconds;
}

/**
 * How a service's connections to Postgres are used, pool by pool, in the words of the semantic conventions. To be called
 * before {@link observeStores}, whose ping would be counted among what waits.
 */
export function observePools(poolByName: Readonly<Record<string, pg.Pool>>): void {
  const count = createGauge(
    "db.client.connection.count",
    "Connections of a pool, by whether they are used",
    "{connection}",
  );
  const max = createGauge("db.client.connection.max", "Most connections of a pool", "{connection}");
  const waiting = createGauge(
    "db.client.connection.pending_requests",
    "How many wait for a connection of a pool",
    "{request}",
  );
  observe([count, max, waiting], (result) => {
    for (const [name, pool] of Object.entries(poolByName)) {
      const attributes = { "db.client.connection.pool.name": name };
      const stated = (state: string) => ({ ...attributes, "db.client.connection.state": state });
      result.observe(count, pool.totalCount - pool.idleCount, stated("used"));
      result.observe(count, pool.idleCount, stated("idle"));
      result.observe(max, pool.options.max, attributes);
      result.observe(waiting, pool.waitingCount, attributes);
    }
  });
}
