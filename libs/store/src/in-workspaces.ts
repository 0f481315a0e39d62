import type { WorkspaceId } from "@syncline/shared/protocol";
import { assertInvariant } from "@syncline/shared/protocol";
import { AsyncLocalStorage } from "node:async_hooks";

interface Reach {
  workspaceIds: readonly WorkspaceId[];
  subject: string | undefined;
}

const reach = new AsyncLocalStorage<Reach>();

/**
 * Runs a function with these visible workspaces: statements of {@link createQuery} inside it, at any depth, see only
 * their rows. For a request these are its token's workspaces; background work names its own.
 *
 * @param subject - the authenticated subject, if any
 */
export function inWorkspaces<T>(workspaceIds: readonly WorkspaceId[], run: () => T, subject?: string): T {
  return reach.run({ workspaceIds, subject }, run);
}

/** The visible workspaces in this context. */
export function visibleWorkspaces(): readonly string[] {
  const store = reach.getStore();
  assertInvariant(
    store !== undefined,
    "a statement ran without visible workspaces: run it inside inWorkspaces",
  );
  return store.workspaceIds;
}

/** The authenticated subject in this context; `undefined` for background work. */
export function currentSubject(): string | undefined {
  return reach.getStore()?.subject;
}
