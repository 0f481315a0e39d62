import { readFileSync } from "node:fs";
import pg from "pg";
import { scramVerifier } from "./scram-verifier.ts";

const SET_UP_ROLES = readFileSync(new URL("./sql/set-up-roles.sql", import.meta.url), "utf8");

/** The roles that Syncline has in Postgres: one that owns the tables, and one for each service. */
export const DATABASE_ROLES = [
  "syncline_migrate",
  "syncline_ingest",
  "syncline_conflict",
  "syncline_worker",
] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];

/** As Postgres says that somebody else has made or changed the same role: XX000 has no name of its own. */
const AT_ONCE = new Set(["42710", "23505", "XX000"]);
const ATTEMPTS_MAX = 10;

/**
 * Makes the roles, and lets them log in with these passwords. Roles belong to the server: where that is done for another of its
 * databases at the same time, it is done again.
 *
 * @param databaseUrl - an administrator's address of Syncline's database: a superuser, or who may make roles and owns it
 */
export async function setUpRoles(
  databaseUrl: string,
  passwordByRole: Readonly<Record<DatabaseRole, string>>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await setUpOnce(databaseUrl, passwordByRole);
    } catch (error) {
      const isOthers = error instanceof pg.DatabaseError && AT_ONCE.has(error.code ?? "");
      if (!isOthers || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function setUpOnce(
  databaseUrl: string,
  passwordByRole: Readonly<Record<DatabaseRole, string>>,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: "syncline-roles" });
  await client.connect();
  try {
    await client.query("BEGIN");
    await client.query(SET_UP_ROLES);
    for (const role of DATABASE_ROLES) {
      // No statement for a role takes parameters. What Postgres' log may show of it is no password.
      const verifier = pg.escapeLiteral(scramVerifier(passwordByRole[role]));
      await client.query(`ALTER ROLE ${role} LOGIN PASSWORD ${verifier}`);
    }
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}
