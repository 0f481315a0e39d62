// `npm run restored`: gives a restored database a new epoch, if the database cannot detect the restore itself: for
// example a dump that was loaded into another server keeps its rows and has the identity of that server.
import pg from "pg";
import { z } from "zod";
import { readEnvOrExit } from "@syncline/kit/process";
import { postgresEnv } from "./postgres-env.ts";

const { DATABASE_URL } = readEnvOrExit(z.object(postgresEnv));
const client = new pg.Client({ connectionString: DATABASE_URL, application_name: "syncline-restored" });
await client.connect();
try {
  const { rows } = await client.query<{ value: string }>(
    "UPDATE settings SET value = gen_random_uuid()::text WHERE name = 'epoch' RETURNING value",
  );
  console.log(
    `The epoch is now ${rows[0]?.value}. Running services exit and use the new epoch after a restart; clients start again from a snapshot.`,
  );
} finally {
  await client.end();
}
