import { assertInvariant } from "@syncline/shared";
import { AsyncLocalStorage } from "node:async_hooks";

const reach = new AsyncLocalStorage<readonly string[]>();

/**
 * Does something for these workspaces: the statements of {@link createQuery} inside it, however deep, see their rows and
 * no others. For a request they are its token's, whatever the request is for; work that nobody asked for names them here.
 */
export function inWorkspaces<T>(workspaceIds: readonly string[], run: () => T): T {
  return reach.run(workspaceIds, run);
}

/** The workspaces that are in reach here. */
export function workspacesInReach(): readonly string[] {
  const workspaceIds = reach.getStore();
  assertInvariant(workspaceIds !== undefined, "a statement must say in which workspaces it reads");
  return workspaceIds;
}
