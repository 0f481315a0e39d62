import { createHash } from "node:crypto";
import { DATABASE_ROLES, setUpRoles, type DatabaseRole } from "@syncline/runtime";
import { Client } from "pg";

/** The addresses of one database, each in the name of a role. */
export type RoleUrls = Readonly<Record<DatabaseRole, string>>;

/** Makes the roles of Syncline on a server of ours, where they are not there yet, and says how each one connects. */
export async function prepareRoles(adminUrl: string): Promise<RoleUrls> {
  const passwords = byRole((role) => passwordOf(role, adminUrl));
  // Roles are the server's, and tests prepare many databases at once: the first has made them.
  if (!(await canLogIn(adminUrl))) await setUpRoles(adminUrl, passwords, { isOwnServer: true });
  return byRole((role) => {
    const url = new URL(adminUrl);
    url.username = role;
    url.password = passwords[role];
    return url.href;
  });
}

/** Known to whoever knows the administrator's, and to no service. */
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
