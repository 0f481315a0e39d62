import type pg from "pg";
import type { ReadinessCheck } from "../http/health.ts";
import { createGauge, observe } from "./metrics.ts";

/** Shorter than the timeout of a scrape. */
const PING_TIMEOUT_MS = 2_000;

/** Observes if each store answers this process, and in what time. Pings the stores when the metrics are collected. */
export function observeStores(checkByName: Readonly<Record<string, ReadinessCheck>>): void {
  const up = createGauge("syncline.store.up", "1 if a store answers this process, otherwise 0", "{store}");
  const ping = createGauge("syncline.store.ping", "Time that a store took to answer a ping", "s");
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

/** Times a ping; `undefined` if it failed or took too long. The readiness check gives the reason. */
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
 * Observes a service's connections to Postgres, by pool, with the names of the semantic conventions. Call it before
 * {@link observeStores}, whose ping would be counted as a pending request.
 */
export function observePools(poolByName: Readonly<Record<string, pg.Pool>>): void {
  const count = createGauge(
    "db.client.connection.count",
    "Connections of a pool, by state (used or idle)",
    "{connection}",
  );
  const max = createGauge(
    "db.client.connection.max",
    "Maximum number of connections of a pool",
    "{connection}",
  );
  const waiting = createGauge(
    "db.client.connection.pending_requests",
    "Requests that wait for a connection of a pool",
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
