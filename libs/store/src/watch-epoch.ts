import type pg from "pg";
import type { Logger } from "@syncline/kit/telemetry";
import { repeat, type Repeating } from "@syncline/kit/process";
import type { DatabaseSettings } from "./settings.ts";

/** The longest time that processes of two epochs run side by side. */
const LOOK_INTERVAL_MS = 2_000;

/**
 * Ends the process if the epoch that it claimed is over: another epoch was stored, or the server is a different one,
 * such as a promoted standby. Checks at an interval, and on each new connection before its first use: no connection
 * outlives its server, so no process writes to another server under the old epoch.
 *
 * @param pools - all pools of the process; the first one runs the periodic check
 * @param onEnd - called with the reason to end, possibly more than once; the process claims the new epoch at its next
 *   start
 */
export function watchEpoch(
  pools: readonly [pg.Pool, ...pg.Pool[]],
  claimed: DatabaseSettings,
  { log, onEnd }: { log: Logger; onEnd: (reason: Error) => unknown },
): Repeating {
  async function look(on: Pick<pg.ClientBase, "query">): Promise<Error | undefined> {
    const { rows } = await on.query<DatabaseSettings>("SELECT epoch, history FROM current_epoch()");
    const reason = reasonToEnd(claimed, rows[0]);
    if (reason !== undefined) onEnd(reason);
    return reason;
  }

  // The pool awaits the promise, although its type does not say so.
  async function onConnect(client: pg.ClientBase): Promise<void> {
    const reason = await look(client);
    if (reason !== undefined) throw reason;
  }

  for (const { options } of pools) Object.assign(options, { onConnect });
  return repeat("the epoch check", async () => void (await look(pools[0])), {
    intervalMs: LOOK_INTERVAL_MS,
    log,
  });
}

function reasonToEnd(claimed: DatabaseSettings, current: DatabaseSettings | undefined): Error | undefined {
  const END = "this process ends and must be restarted to use the new epoch";
  if (current?.history !== claimed.history) {
    return new Error(
      `the database's server or timeline has changed from ${claimed.history} to ${current?.history}: ${END}`,
    );
  }
  if (current.epoch !== claimed.epoch) {
    return new Error(`the database's epoch has changed from ${claimed.epoch} to ${current.epoch}: ${END}`);
  }
  return undefined;
}
