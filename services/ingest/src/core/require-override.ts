import { policyOf, type ConflictStrategy, type Policies } from "@syncline/shared/merge";
import { Problem, type ClientId, type CollectionName, type Role } from "@syncline/shared/protocol";

/** The strategy that a batch names, and the operations that the strategy applies to. */
interface NamedStrategy {
  onConflict?: ConflictStrategy;
  operations: readonly { clientId: ClientId; collection: CollectionName }[];
}

/**
 * Checks the strategy that a batch names against the policies of its collections. The policy's own strategy is no
 * override. `report` is always allowed, because the device only asks to be notified.
 *
 * @throws {@link Problem} `override-not-allowed`, with the first operation that must not have this strategy
 */
export function requireOverride(batch: NamedStrategy, role: Role | undefined, policies: Policies): void {
  const { onConflict: named } = batch;
  if (named === undefined || named === "report") return;
  const refused = batch.operations.find(({ collection }) => {
    const { strategy = "merge", override = "writers" } = policyOf(policies, collection);
    return named !== strategy && (override === "nobody" || (override === "admins" && role !== "admin"));
  });
  if (refused === undefined) return;
  const { strategy = "merge", override } = policyOf(policies, refused.collection);
  const who = override === "admins" ? "Only an admin" : "No client";
  throw new Problem("override-not-allowed", {
    detail: `${who} may choose ${named} for the collection ${refused.collection}: leave on_conflict out, or send ${strategy} or report`,
    operation: refused.clientId,
    field: "/on_conflict",
  });
}
