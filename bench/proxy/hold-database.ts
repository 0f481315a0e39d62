import { setTimeout as delay } from "node:timers/promises";
import { onDatabase } from "../database/on-database.ts";
import type { Proxy } from "./start-proxy.ts";

/** A database that can be out of reach for a while. */
export interface HeldDatabase {
  hold(): Promise<void>;
  /**
   * Lets it be reached again, and waits until what was sent meanwhile is applied.
   * @returns how long that took, in milliseconds
   */
  release(changes: number): Promise<number>;
}

const LOOK_EVERY_MS = 5;
const WITHIN_MS = 60_000;
/** What costs the database least to tell. */
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
          if (tookMs > WITHIN_MS) throw new Error(`${changes} changes are not applied in time`);
          await delay(LOOK_EVERY_MS);
        }
      }),
  };
}
