import type pg from "pg";
import { createGauge, observe } from "@syncline/kit/telemetry";

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
