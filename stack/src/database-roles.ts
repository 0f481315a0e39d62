import { createHash } from "node:crypto";
import { DATABASE_ROLES, setUpRoles, type DatabaseRole } from "@syncline/store";
import { Client } from "pg";

/** The URLs of one database, one for each role. */
export type RoleUrls = Readonly<Record<DatabaseRole, string>>;

/** Creates Syncline's roles on a server of our own unless they exist, and returns the URL of each. */
export async function prepareRoles(adminUrl: string): Promise<RoleUrls> {
  const passwords = byRole((role) => passwordOf(role, adminUrl));
  // Roles belong to the server, and tests prepare many databases at once: the first one has created them.
  if (!(await canLogIn(adminUrl))) await setUpRoles(adminUrl, passwords, { isOwnServer: true });
  return byRole((role) => {
    const url = new URL(adminUrl);
    url.username = role;
    url.password = passwords[role];
    return url.href;
  });
}

/** Derived from the administrator's password, which no service knows. */
function passwordOf(role: DatabaseRole, adminUrl: string): string {
  return createHash("sha256")
    .update(`${role} ${new URL(adminUrl).password}`)
    .digest("hex");
}

async function canLogIn(adminUrl: string): Promise<boolean> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query("SELECT FROM pg_roles WHERE rolname = ANY ($1) AND rolcanlogin", [
      DATABASE_ROLES,
    ]);
    return rows.length === DATABASE_ROLES.length;
  } finally {
    await client.end();
  }
}

function byRole(make: (role: DatabaseRole) => string): Record<DatabaseRole, string> {
  return Object.fromEntries(DATABASE_ROLES.map((role) => [role, make(role)])) as Record<DatabaseRole, string>;
}
