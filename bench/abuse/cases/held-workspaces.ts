import { openPool } from "@syncline/store";
import { quantilesOf } from "../../measure/quantiles.ts";
import type { AbuseClient, AbuseSystem } from "../abuse-system.ts";
import type { AbuseCase, Figure } from "../case.ts";

const HELD = 14;
const FREE = 10;
const HELD_MS = 60_000;
const PAUSE_MS = 250;

/** An outside transaction locks rows of some workspaces while all workspaces write. */
export const HELD_WORKSPACES: AbuseCase = {
  name: "row locks held on 14 of 24 workspaces for a minute",
  async run(system: AbuseSystem): Promise<Figure[]> {
    const clients = await Promise.all(Array.from({ length: HELD + FREE }, () => system.createClient()));
    const write = (client: AbuseClient, value: number) =>
      client.send([{ operation: "put", document_id: "note", data: { value } }]);
    await Promise.all(clients.map((client) => write(client, 0)));
    const [held, free] = [clients.slice(0, HELD), clients.slice(HELD)];
    const freeMs: number[] = [];
    let failed = 0;
    const heldWrites: Promise<void>[] = [];
    const release = await hold(
      system,
      held.map(({ workspaceId }) => workspaceId),
    );
    const endsAtMs = performance.now() + HELD_MS;
    try {
      for (const client of held) {
        for (const value of [1, 2]) {
          heldWrites.push(write(client, value).then(({ results }) => void (failed += failures(results))));
        }
      }
      await Promise.all(
        free.map(async (client) => {
          for (let value = 1; performance.now() < endsAtMs; value++) {
            const beganAtMs = performance.now();
            failed += failures((await write(client, value)).results);
            freeMs.push(performance.now() - beganAtMs);
            await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
          }
        }),
      );
    } finally {
      await release();
    }
    const releasedAtMs = performance.now();
    await Promise.all(heldWrites);
    const { p50, p99, max } = quantilesOf(freeMs);
    return [
      { what: "untouched workspaces, p50", value: p50, unit: "ms" },
      { what: "untouched workspaces, p99", value: p99, unit: "ms", bar: { atMost: 1_000 } },
      { what: "untouched workspaces, slowest", value: max, unit: "ms" },
      {
        what: "writes that failed",
        value: failed,
        unit: `of ${freeMs.length + heldWrites.length}`,
        bar: { atMost: 0 },
      },
      {
        what: "held workspaces, from the locks' end to their last commit",
        value: performance.now() - releasedAtMs,
        unit: "ms",
        bar: { atMost: 10_000 },
      },
    ];
  },
};

function failures(results: readonly { status: string }[]): number {
  return results.length > 0 && results.every(({ status }) => status === "success") ? 0 : 1;
}

async function hold(
  { databaseUrl }: AbuseSystem,
  workspaceIds: readonly string[],
): Promise<() => Promise<void>> {
  const pool = openPool({
    databaseUrl,
    connectionsMax: 1,
    applicationName: "stranger",
    onError: (error) => {
      throw error;
    },
  });
  const client = await pool.connect();
  // The pool would end this idle transaction.
  await client.query("SET idle_in_transaction_session_timeout = 0");
  await client.query("BEGIN");
  await client.query("SELECT FROM workspaces WHERE workspace_id = ANY ($1) FOR UPDATE", [workspaceIds]);
  return async () => {
    await client.query("ROLLBACK");
    client.release();
    await pool.end();
  };
}
