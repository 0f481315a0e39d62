// `npm run restored`: tells a database that it was restored from a backup, where it cannot see that by itself: a dump that
// was read into a server, say, keeps its rows and takes the server's identity.
import pg from "pg";
import { z } from "zod";
import { commonEnv, readEnvOrExit } from "../env.ts";

const { DATABASE_URL } = readEnvOrExit(z.object({ DATABASE_URL: commonEnv.DATABASE_URL }));
const client = new pg.Client({ connectionString: DATABASE_URL, application_name: "syncline-restored" });
await client.connect();
try {
  const { rows } = await client.query<{ value: string }>(
    "UPDATE settings SET value = gen_random_uuid()::text WHERE name = 'epoch' RETURNING value",
  );
  console.log(
    `The epoch is now ${rows[0]?.value}. Services that run end, and serve it once they are started again; clients start again from a snapshot.`,
  );
} finally {
  await client.end();
}
