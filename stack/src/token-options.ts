import { parseArgs } from "node:util";
import { ROLES } from "@syncline/shared/protocol";
import { idSchema } from "@syncline/shared/schemas";
import type { WorkspaceRole } from "./dev-token.ts";
import { messageOf, StackError } from "./stack-error.ts";

/** The claims of a token for development. */
export interface TokenOptions {
  readonly subject: string;
  /** `undefined` if the command names none: the workspace that `npm start` prints. */
  readonly workspaceIds: readonly string[] | undefined;
  readonly role: WorkspaceRole;
  /** A duration in jose's notation. */
  readonly expiresIn: string;
}

const USAGE =
  "usage: npm run token -- [--sub ann] [--workspace w]... [--role reader|writer|admin] [--ttl 1h]\nexample durations: 90s, 15m, 1h, 30d";
const OPTIONS = {
  sub: { type: "string", default: "dev" },
  workspace: { type: "string", multiple: true },
  role: { type: "string", default: "writer" },
  ttl: { type: "string", default: "1h" },
} as const;

/**
 * Reads the arguments of `npm run token`.
 * @throws {@link StackError} with the wrong option and the usage
 */
export function readTokenOptions(args: string[]): TokenOptions {
  const { sub, workspace, role: roleName, ttl } = parse(args);
  requireId("--sub", sub);
  for (const id of workspace ?? []) requireId("--workspace", id);
  const role = ROLES.find((known) => known === roleName);
  if (role === undefined) fail(`--role must be ${ROLES.join(", ")}, but is "${roleName}".`);
  if (!/^[1-9]\d{0,5}[smhd]$/.test(ttl)) fail(`--ttl must be a duration, but is "${ttl}".`);
  return { subject: sub, workspaceIds: workspace, role, expiresIn: ttl };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    return fail(messageOf(error));
  }
}

function requireId(option: string, id: string): void {
  if (!idSchema.safeParse(id).success) {
    fail(`${option} must be 1 to 200 characters without control characters.`);
  }
}

function fail(reason: string): never {
  throw new StackError(`${reason}\n${USAGE}`);
}
