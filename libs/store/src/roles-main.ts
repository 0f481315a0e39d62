// `npm run roles [-- --own-server]`: creates Syncline's database roles and sets their passwords. For an administrator,
// once, and again to change a password.
import pg from "pg";
import { z } from "zod";
import { readEnvOrExit } from "@syncline/kit/process";
import { postgresEnv } from "./postgres-env.ts";
import { setUpRoles } from "./set-up-roles.ts";

const password = z
  .string()
  .min(16)
  .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces");

const env = readEnvOrExit(
  z.object({
    ...postgresEnv,
    SYNCLINE_MIGRATE_PASSWORD: password,
    SYNCLINE_INGEST_PASSWORD: password,
    SYNCLINE_CONFLICT_PASSWORD: password,
    SYNCLINE_WORKER_PASSWORD: password,
  }),
);
try {
  const isOwnServer = process.argv.includes("--own-server");
  const passwords = {
    syncline_migrate: env.SYNCLINE_MIGRATE_PASSWORD,
    syncline_ingest: env.SYNCLINE_INGEST_PASSWORD,
    syncline_conflict: env.SYNCLINE_CONFLICT_PASSWORD,
    syncline_worker: env.SYNCLINE_WORKER_PASSWORD,
  };
  const reachable = await setUpRoles(env.DATABASE_URL, passwords, { isOwnServer });
  console.log(
    "The roles are set up. Run migrations as syncline_migrate, and give each service its own role.",
  );
  for (const name of reachable) {
    console.warn(
      `The roles may connect to the database ${name} of this server, because PUBLIC may. If no other user relies on that: REVOKE CONNECT ON DATABASE ${pg.escapeIdentifier(name)} FROM PUBLIC (docs/security.md, "Other databases of the server").`,
    );
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
