import { setTimeout as delay } from "node:timers/promises";
import { holdWorkspace } from "../../support/hold-workspace.ts";
import { complaints, inFlight, prove, until, type FaultContext, type FaultKind } from "./fault-kind.ts";

const AWAY_MS = 1_500;
const HANG_MS = 4_000;
const START_ATTEMPTS = 40;

/** A Postgres that stops, cuts its clients off, or has a hanging transaction. */
export const POSTGRES_FAULTS: readonly FaultKind[] = [
  { name: "Postgres killed", strike: killPostmaster },
  { name: "Postgres connections cut", strike: cutConnections },
  { name: "a transaction hangs", strike: hangTransaction },
];

async function killPostmaster(context: FaultContext): Promise<string> {
  const { postgres } = context.system.stores;
  const operations = await inFlight(context);
  const oldPid = postgres.pid;
  await postgres.kill();
  await delay(AWAY_MS);
  await startPostgres(context);
  await until("services complained", () => complaints(context) > 0);
  prove("the process was replaced", postgres.pid !== oldPid);
  return `postmaster ${oldPid} killed, now ${postgres.pid}; ${operations} operations in flight, ${complaints(context)} warnings or errors logged`;
}

/** The orphans of a killed postmaster keep its memory until they notice, and no other can start before. */
async function startPostgres({ system }: FaultContext): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await system.stores.postgres.start();
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
      await delay(250);
    }
  }
}

async function cutConnections(context: FaultContext): Promise<string> {
  const operations = await inFlight(context);
  const cut = await context.system.pool.query(
    `SELECT pg_terminate_backend(pid), state FROM pg_stat_activity WHERE application_name LIKE 'syncline-%'`,
  );
  const active = cut.rows.filter(({ state }: { state: string }) => state !== "idle").length;
  prove("there were connections to cut", cut.rows.length > 0);
  await until("services complained", () => complaints(context) > 0);
  return `${cut.rows.length} connections cut, ${active} of them active; ${operations} operations in flight, ${complaints(context)} warnings or errors logged`;
}

async function hangTransaction(context: FaultContext): Promise<string> {
  const { system, workspaces, random } = context;
  const { workspaceId } = random.pick(workspaces);
  const release = await holdWorkspace(system, workspaceId);
  let waiting = 0;
  try {
    await until("a drain waits for the row", async () => {
      const { rows } = await system.pool.query<{ waiting: number }>(
        `SELECT count(*) AS waiting FROM pg_stat_activity
         WHERE application_name = 'syncline-worker' AND wait_event_type = 'Lock'`,
      );
      waiting = rows[0]?.waiting ?? 0;
      return waiting > 0;
    });
    await delay(HANG_MS);
  } finally {
    await release();
  }
  return `${waiting} drain waited for the row of ${workspaceId}, held for ${HANG_MS / 1_000} s`;
}
