import { execFileSync, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { userInfo } from "node:os";
import { StackError } from "./stack-error.ts";

/** An account to run a program as. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds a user to run Postgres as, because it refuses to run as root.
 *
 * @param dataFolder - if it exists, its owner is preferred
 * @returns `undefined` if this process is not root: Postgres then runs as the current user
 */
export function findUnprivilegedUser(env: NodeJS.ProcessEnv, dataFolder: string): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(dataFolder, { throwIfNoEntry: false });
  const candidates = [owner && String(owner.uid), env["SUDO_UID"], "postgres", "nobody"];
  for (const candidate of candidates) {
    const user = candidate ? lookUpUser(candidate) : undefined;
    if (user !== undefined && user.uid !== 0) return user;
  }
  throw new StackError(
    "Postgres does not run as root, and no other user was found to run it as: " +
      "run npm start as an ordinary user, or set DATABASE_URL to a running Postgres.",
  );
}

/**
 * True if the user can reach a file or folder: read it, and enter or execute it. Tried as that user, because only the
 * kernel knows all parent folders, groups and access lists.
 */
export function canUserReach(user: SystemUser, path: string): boolean {
  const { status, error } = spawnSync("/bin/sh", ["-c", 'test -r "$1" && test -x "$1"', "sh", path], {
    uid: user.uid,
    gid: user.gid,
    cwd: "/",
    stdio: "ignore",
  });
  if (error) throw error;
  return status === 0;
}

/**
 * Requires a named user.
 *
 * @throws {@link StackError} if this process's user has no name, as with `docker run --user 12345`
 */
export function requireNamedUser(): void {
  try {
    userInfo();
  } catch {
    throw new StackError(
      `The user with the id ${process.getuid?.()} has no name on this system, and initdb of Postgres demands one: ` +
        "run as a user that /etc/passwd names, or set DATABASE_URL to a running Postgres.",
    );
  }
}

/** Finds a user by name or id. Unknown ids are of no use, because initdb requires a named user. */
function lookUpUser(nameOrUid: string): SystemUser | undefined {
  try {
    const ask = (option: string) =>
      Number(
        execFileSync("id", [option, nameOrUid], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
      );
    return { uid: ask("-u"), gid: ask("-g") };
  } catch {
    return undefined; // `id` fails for an unknown user
  }
}
