import type { ReadinessCheck, Service } from "@syncline/kit/process";
import { assertInvariant } from "@syncline/shared/protocol";
import type pg from "pg";
import { openPool } from "./pool.ts";
import { observePools } from "./pool-metrics.ts";
import { createPostgresCheck } from "./postgres-check.ts";
import { claimSettings } from "./settings.ts";
import { watchEpoch } from "./watch-epoch.ts";

/** The bounds of a pool. */
export interface PoolBounds {
  connectionsMax: number;
  /** The time that a statement waits for a locked row, 3 s by default. */
  lockMsMax?: number;
}

/** A service's connections to the database. */
export interface Database<Name extends string> {
  pools: Readonly<Record<Name, pg.Pool>>;
  epoch: string;
  check: ReadinessCheck;
}

/**
 * Opens a service's pools, claims the database's settings, and ends the service when the epoch is over.
 *
 * @param boundsByPool - the first pool also runs the checks
 * @throws as {@link claimSettings} does
 */
export async function openDatabase<Name extends string>(
  service: Service,
  env: { DATABASE_URL: string; LANES: number; REDIS_SHARDS: number },
  boundsByPool: Readonly<Record<Name, PoolBounds>>,
): Promise<Database<Name>> {
  const named = Object.entries<PoolBounds>(boundsByPool).map(([name, bounds]) => {
    const pool = openPool({
      databaseUrl: env.DATABASE_URL,
      applicationName: `syncline-${name}`,
      onError: service.onConnectionError,
      ...bounds,
    });
    return [name, service.own(`pool ${name}`, pool, (p) => p.end())] as const;
  });
  const [first, ...others] = named.map(([, pool]) => pool);
  assertInvariant(first !== undefined, "a service opens a database without a pool");
  const settings = await claimSettings(first, { lanes: env.LANES, shards: env.REDIS_SHARDS });
  const { log, fail } = service;
  service.own("epoch check", watchEpoch([first, ...others], settings, { log, onEnd: fail }), (w) => w.stop());
  const pools = Object.fromEntries(named) as Record<Name, pg.Pool>;
  observePools(pools);
  return { pools, epoch: settings.epoch, check: createPostgresCheck(first) };
}
