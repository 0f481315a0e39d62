import { z } from "zod";
import type { JsonObject } from "../json/json.ts";
import type { MergePolicy } from "../merge/merge-by-strategy.ts";
import { compileRules } from "../merge/field-rules.ts";
import { CONFLICT_STRATEGIES, type ConflictStrategy } from "../protocol/batch.ts";

/** What a `resolve` hook decides on. `null` is a deleted document; `ancestor` is `null` when it is unknown. */
export interface ResolveCase {
  readonly ancestor: JsonObject | null;
  readonly remote: JsonObject | null;
  readonly local: JsonObject | null;
  /** What the strategy comes to, or proposes to a person. To change it where it is not right keeps what else both did. */
  readonly merged: JsonObject | null;
  readonly context: ResolveContext;
}

/** What there is to know of a conflict beside its documents. */
export interface ResolveContext {
  readonly workspaceId: string;
  readonly collection: string;
  readonly documentId: string;
  readonly conflictId: string;
  readonly deviceId: string;
  /** From 1; the document moved since the round before. */
  readonly round: number;
  /** What decides where the hook does not. */
  readonly strategy: ConflictStrategy;
}

/** A hook's answer: a document (`null` deletes it), a strategy, or a question for a person. Nothing: the policy's own. */
export type ResolveAnswer =
  | { readonly document: JsonObject | null }
  | { readonly use: Exclude<ConflictStrategy, "report"> }
  | { readonly ask: string }
  | undefined;

export type ResolveHook = (on: ResolveCase) => ResolveAnswer | Promise<ResolveAnswer>;

/** Who may name another strategy in a batch than the policy's. */
export const OVERRIDES = ["writers", "admins", "nobody"] as const;

/** How conflicts on the documents of a collection are decided. */
export interface CollectionPolicy extends MergePolicy {
  /** Default `merge`. */
  readonly strategy?: ConflictStrategy;
  /** Default `writers`: everyone who may write. */
  readonly override?: (typeof OVERRIDES)[number];
  /** Asked before the strategy, in the conflict service; never of a conflict in a group, or in its last round. */
  readonly resolve?: ResolveHook;
  /** How long the hook may take, in milliseconds. Default 1,000. */
  readonly resolveTimeoutMs?: number;
}

/** The policies of a deployment. A collection that is not named has the default one, whole. */
export interface Policies {
  readonly default?: CollectionPolicy;
  readonly collections?: Readonly<Record<string, CollectionPolicy>>;
}

const ruleSchema = z.discriminatedUnion("is", [
  z.strictObject({ path: z.string(), is: z.literal("items"), key: z.string().min(1) }),
  z.strictObject({ path: z.string(), is: z.enum(["set", "counter", "text", "version", "yjs"]) }),
]);
const policySchema = z
  .strictObject({
    strategy: z.enum(CONFLICT_STRATEGIES).optional(),
    override: z.enum(OVERRIDES).optional(),
    deleteVsEdit: z.enum(["edit-wins", "local-wins", "delete-wins", "park"]).optional(),
    arrayKeys: z.array(z.string().min(1)).optional(),
    rules: z
      .array(ruleSchema)
      .superRefine((rules, context) => {
        rules.forEach((rule, index) => {
          try {
            compileRules([rule]);
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
            context.addIssue({ code: "custom", path: [index, "path"], message: error.message });
          }
        });
      })
      .optional(),
    resolve: z.custom<ResolveHook>((value) => typeof value === "function", "must be a function").optional(),
    resolveTimeoutMs: z.int().min(1).max(60_000).optional(),
  })
  .refine(({ strategy, resolve }) => strategy !== "report" || resolve === undefined, {
    path: ["resolve"],
    message: "is never asked where the strategy is report: the device decides by itself",
  });
const policiesSchema = z.strictObject({
  default: policySchema.optional(),
  collections: z.record(z.string(), policySchema).optional(),
});

/**
 * Checks policies, so that a mistake in them stops a start and not a merge.
 * @throws TypeError naming every fault and where it is
 */
export function definePolicies(policies: Policies): Policies {
  const parsed = policiesSchema.safeParse(policies);
  if (parsed.success) return policies;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "policies"}: ${message}`,
  );
  throw new TypeError(`These policies cannot be used. ${faults.join(". ")}.`);
}

/** The policy of a collection. */
export function policyOf(policies: Policies, collection: string): CollectionPolicy {
  const { collections = {} } = policies;
  const own = Object.hasOwn(collections, collection) ? collections[collection] : undefined;
  return own ?? policies.default ?? {};
}
