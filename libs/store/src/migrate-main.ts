// `npm run migrate`: migrates the database at DATABASE_URL to the newest schema and prints the applied migrations.
import { z } from "zod";
import { EnvError, readEnv } from "@syncline/kit/process";
import { SchemaMismatchError } from "./applied-migrations.ts";
import { migrate } from "./migrate.ts";
import { postgresEnv } from "./postgres-env.ts";

try {
  const { DATABASE_URL } = readEnv(z.object(postgresEnv), process.env);
  const applied = await migrate({ databaseUrl: DATABASE_URL });
  for (const name of applied) console.log(`applied ${name}`);
  if (applied.length === 0) console.log("no migration to apply: the schema is up to date");
} catch (error) {
  // These messages say what to do; any other error is printed with its stack.
  const isExplained = error instanceof EnvError || error instanceof SchemaMismatchError;
  console.error(isExplained ? error.message : error);
  process.exitCode = 1;
}
