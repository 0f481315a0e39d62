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
 * Whom to run Postgres as, which refuses to run as root.
 *
 * @param dataFolder - where it exists, its owner goes on being the one.
 * @returns `undefined` when we are not root: we run it ourselves then.
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
    "Postgres does not run as root, and there is no other user here to run it as: " +
      "run npm start as an ordinary user, or set DATABASE_URL to a running Postgres.",
  );
}

/**
 * Whether that user can come to a file or folder: read it, and enter or run it. The kernel is asked, by trying as that
 * user: it alone knows of every folder above, of groups and of access lists.
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

/** @throws {@link StackError} when this process's user has no name, as with `docker run --user 12345` */
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

/** initdb wants its user to have a name, so ids that the system does not know are no use. */
function lookUpUser(nameOrUid: string): SystemUser | undefined {
  try {
    const ask = (option: string) =>
      Number(
        execFileSync("id", [option, nameOrUid], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
      );
    return { uid: ask("-u"), gid: ask("-g") };
  } catch {
    return undefined; // `id` answers an unknown user with a failure
  }
}
