import { setTimeout as delay } from "node:timers/promises";
import { onDatabase } from "../database/on-database.ts";
import type { Proxy } from "./start-proxy.ts";

/** A database that can be made unreachable for a while. */
export interface HeldDatabase {
  hold(): Promise<void>;
  /**
   * Makes the database reachable again, and waits until the accepted batches are applied.
   * @returns the duration in milliseconds
   */
  release(changes: number): Promise<number>;
}

const LOOK_EVERY_MS = 5;
const WITHIN_MS = 60_000;
/** The cheapest progress query for the database. */
const COUNT = "SELECT sum(seq)::int AS changes FROM workspaces";

export function holdDatabase(proxy: Proxy, databaseUrl: string): HeldDatabase {
  let before = 0;
  return {
    async hold() {
      const { rows } = await onDatabase(databaseUrl, (client) => client.query<{ changes: number }>(COUNT));
      before = rows[0]?.changes ?? 0;
      await proxy.hold();
    },
    release: (changes) =>
      onDatabase(databaseUrl, async (client) => {
        const startMs = performance.now();
        await proxy.release();
        for (;;) {
          const { rows } = await client.query<{ changes: number }>(COUNT);
          const tookMs = performance.now() - startMs;
          if ((rows[0]?.changes ?? 0) >= before + changes) return tookMs;
          if (tookMs > WITHIN_MS) throw new Error(`${changes} changes were not applied in time`);
          await delay(LOOK_EVERY_MS);
        }
      }),
  };
}
