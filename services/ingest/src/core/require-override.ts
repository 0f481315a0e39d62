import { Problem, type Role } from "@syncline/runtime";
import { policyOf, type ConflictStrategy, type Policies } from "@syncline/shared";

/** What a batch says of its strategy, and whom that concerns. */
interface NamedStrategy {
  onConflict?: ConflictStrategy;
  operations: readonly { clientId: string; collection: string }[];
}

/**
 * Holds a batch that names a strategy against the policies of its collections. The policy's own strategy is no override,
 * and `report` takes nothing from anybody: the device only asks to be told.
 *
 * @throws {@link Problem} `override-not-allowed`, naming the first operation that must not have this strategy
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
  const who = override === "admins" ? "Only an admin" : "Nobody";
  throw new Problem("override-not-allowed", {
    detail: `${who} may choose ${named} for the collection ${refused.collection}: leave on_conflict out, or send ${strategy} or report`,
    operation: refused.clientId,
    field: "/on_conflict",
  });
}
