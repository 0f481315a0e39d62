// `npm run roles`: makes the database roles of Syncline, and sets their passwords. For an administrator, once, and again to
// change a password.
import { z } from "zod";
import { commonEnv, readEnvOrExit } from "../env.ts";
import { setUpRoles } from "./set-up-roles.ts";

const password = z
  .string()
  .min(16)
  .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces");

const env = readEnvOrExit(
  z.object({
    DATABASE_URL: commonEnv.DATABASE_URL,
    SYNCLINE_MIGRATE_PASSWORD: password,
    SYNCLINE_INGEST_PASSWORD: password,
    SYNCLINE_CONFLICT_PASSWORD: password,
    SYNCLINE_WORKER_PASSWORD: password,
  }),
);
try {
  await setUpRoles(env.DATABASE_URL, {
    syncline_migrate: env.SYNCLINE_MIGRATE_PASSWORD,
    syncline_ingest: env.SYNCLINE_INGEST_PASSWORD,
    syncline_conflict: env.SYNCLINE_CONFLICT_PASSWORD,
    syncline_worker: env.SYNCLINE_WORKER_PASSWORD,
  });
  console.log("The roles are set up. Migrate as syncline_migrate, and give each service its own role.");
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
