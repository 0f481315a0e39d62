import { assertInvariant } from "@syncline/shared";
import { AsyncLocalStorage } from "node:async_hooks";

interface Reach {
  workspaceIds: readonly string[];
  subject: string | undefined;
}

const reach = new AsyncLocalStorage<Reach>();

/**
 * Does something for these workspaces: the statements of {@link createQuery} inside it, however deep, see their rows and
 * no others. For a request they are its token's, whatever the request is for; work that nobody asked for names them here.
 *
 * @param subject - the one that asks, if any
 */
export function inWorkspaces<T>(workspaceIds: readonly string[], run: () => T, subject?: string): T {
  return reach.run({ workspaceIds, subject }, run);
}

/** The workspaces that are in reach here. */
export function visibleWorkspaces(): readonly string[] {
  const store = reach.getStore();
  assertInvariant(store !== undefined, "a statement must say in which workspaces it reads");
  return store.workspaceIds;
}

/** The subject for whom something is done here; `undefined` for work that nobody asked for. */
export function currentSubject(): string | undefined {
  return reach.getStore()?.subject;
}
