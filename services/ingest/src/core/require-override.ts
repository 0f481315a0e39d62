import { policyOf, type ConflictStrategy, type Policies } from "@syncline/shared/merge";
import { Problem, type ClientId, type CollectionName, type Role } from "@syncline/shared/protocol";

/** The strategies that a batch and its operations name. */
interface NamedStrategies {
  onConflict?: ConflictStrategy;
  operations: readonly {
    clientId: ClientId;
    collection: CollectionName;
    position: number;
    onConflict?: ConflictStrategy;
  }[];
}

/**
 * Checks the strategy that is named for each operation against the policy of its collection. The policy's own strategy is
 * no override. `report` is always allowed, because the device only asks to be notified.
 *
 * @throws {@link Problem} `override-not-allowed`, with the first operation that must not have its strategy
 */
export function requireOverride(batch: NamedStrategies, role: Role | undefined, policies: Policies): void {
  for (const { clientId, collection, position, onConflict: own } of batch.operations) {
    const named = own ?? batch.onConflict;
    const { strategy = "merge", override = "writers" } = policyOf(policies, collection);
    if (named === undefined || named === "report" || named === strategy) continue;
    if (override === "writers" || (override === "admins" && role === "admin")) continue;
    const who = override === "admins" ? "Only an admin" : "No client";
    throw new Problem("override-not-allowed", {
      detail: `${who} may choose ${named} for the collection ${collection}: leave on_conflict out, or send ${strategy} or report`,
      operation: clientId,
      field: own === undefined ? "/on_conflict" : `/operations/${position}/on_conflict`,
    });
  }
}
