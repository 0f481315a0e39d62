import { readFileSync } from "node:fs";
import pg from "pg";
import { scramVerifier } from "./scram-verifier.ts";

const sql = (name: string): string => readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), "utf8");
const SET_UP_ROLES = sql("set-up-roles");
const FIND_REACHABLE_DATABASES = sql("find-reachable-databases");

/** Syncline's roles in Postgres: the owner of the tables, and one for each service. */
export const DATABASE_ROLES = [
  "syncline_migrate",
  "syncline_ingest",
  "syncline_conflict",
  "syncline_worker",
] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];

/**
 * Postgres' codes for a role or a database that another process changed at the same time. XX000 (internal error) is one
 * of them.
 */
const AT_ONCE = new Set(["42710", "23505", "3D000", "XX000"]);
const ATTEMPTS_MAX = 10;

/**
 * Creates the roles and sets their passwords. Roles belong to the server: if a process does the same for another of its
 * databases at the same time, the attempt is repeated.
 *
 * A role that can log in may connect to each of the server's databases, unless `PUBLIC` lacks that permission there. On
 * a server that is Syncline's own, it is revoked for every database; on any other, the databases are left unchanged and
 * returned.
 *
 * @param databaseUrl - an administrator's URL of Syncline's database: a superuser, or an owner that may create roles
 * @returns the other databases of the server that the roles may still connect to
 */
export async function setUpRoles(
  databaseUrl: string,
  passwordByRole: Readonly<Record<DatabaseRole, string>>,
  options: { isOwnServer: boolean } = { isOwnServer: false },
): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await setUpOnce(databaseUrl, passwordByRole, options);
    } catch (error) {
      const isOthers = error instanceof pg.DatabaseError && AT_ONCE.has(error.code ?? "");
      if (!isOthers || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function setUpOnce(
  databaseUrl: string,
  passwordByRole: Readonly<Record<DatabaseRole, string>>,
  { isOwnServer }: { isOwnServer: boolean },
): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: "syncline-roles" });
  await client.connect();
  try {
    await client.query("BEGIN");
    await client.query(SET_UP_ROLES);
    for (const role of DATABASE_ROLES) {
      // Statements for roles take no parameters. Postgres may log the verifier, but not the password.
      const verifier = pg.escapeLiteral(scramVerifier(passwordByRole[role]));
      await client.query(`ALTER ROLE ${role} LOGIN PASSWORD ${verifier}`);
    }
    const reachable = () =>
      client.query<{ name: string }>(FIND_REACHABLE_DATABASES, [DATABASE_ROLES]).then(({ rows }) => rows);
    if (isOwnServer) {
      for (const { name } of await reachable()) {
        await client.query(`REVOKE CONNECT, TEMPORARY ON DATABASE ${pg.escapeIdentifier(name)} FROM PUBLIC`);
      }
    }
    const left = await reachable();
    await client.query("COMMIT");
    return left.map(({ name }) => name);
  } finally {
    await client.end();
  }
}
