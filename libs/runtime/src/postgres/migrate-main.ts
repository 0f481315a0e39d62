// `npm run migrate`: brings the database at DATABASE_URL to the newest schema, and says what it applied.
import { z } from "zod";
import { commonEnv, EnvError, readEnv } from "../env.ts";
import { SchemaMismatchError } from "./applied-migrations.ts";
import { migrate } from "./migrate.ts";

try {
  const { DATABASE_URL } = readEnv(z.object({ DATABASE_URL: commonEnv.DATABASE_URL }), process.env);
  const applied = await migrate({ databaseUrl: DATABASE_URL });
  for (const name of applied) console.log(`applied ${name}`);
  if (applied.length === 0) console.log("nothing to apply: the schema is the newest");
} catch (error) {
  // These messages say what to do; anything else needs its cause.
  const isExplained = error instanceof EnvError || error instanceof SchemaMismatchError;
  console.error(isExplained ? error.message : error);
  process.exitCode = 1;
}
