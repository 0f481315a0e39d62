import type pg from "pg";
import type { Logger } from "../log.ts";
import { repeat, type Repeating } from "../repeat.ts";
import type { DatabaseSettings } from "./settings.ts";

/** For this long at most, processes of two epochs run side by side. */
const LOOK_INTERVAL_MS = 2_000;

/**
 * Sees to it that a process does not outlive the epoch it has claimed: another one was stored since, or the server is
 * another one than then, such as a standby that was promoted. Looks again and again, and at each new connection before it
 * is used: no connection outlives its server, so nothing is ever written to another one in the name of the old epoch.
 *
 * @param pools - all that the process has, the first of which the look is taken with
 * @param onEnd - told why the process has to end, so that it claims the new epoch at its next start; perhaps more than once
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

  // The pool waits for it, which its type does not say.
  async function onConnect(client: pg.ClientBase): Promise<void> {
    const reason = await look(client);
    if (reason !== undefined) throw reason;
  }

  for (const { options } of pools) Object.assign(options, { onConnect });
  return repeat("the look at the epoch", async () => void (await look(pools[0])), {
    intervalMs: LOOK_INTERVAL_MS,
    log,
  });
}

function reasonToEnd(claimed: DatabaseSettings, current: DatabaseSettings | undefined): Error | undefined {
  const END = "this process ends, to be started again with the new epoch";
  if (current?.history !== claimed.history) {
    return new Error(
      `the database is on another server or timeline than at start, ${current?.history} and not ${claimed.history}: ${END}`,
    );
  }
  if (current.epoch !== claimed.epoch) {
    return new Error(
      `the database's epoch is another one than at start, ${current.epoch} and not ${claimed.epoch}: ${END}`,
    );
  }
  return undefined;
}
