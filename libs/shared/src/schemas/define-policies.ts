import { z } from "zod";
import { compileRules } from "../merge/field-rules.ts";
import { OVERRIDES, type Policies, type ResolveHook } from "../merge/policies.ts";
import { CONFLICT_STRATEGIES } from "../merge/conflict-strategy.ts";

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
    message:
      "is never called if the strategy is report: the device decides. Remove resolve, or choose another strategy",
  });
const policiesSchema = z.strictObject({
  default: policySchema.optional(),
  collections: z.record(z.string(), policySchema).optional(),
});

/**
 * Validates policies, so that an error in them prevents the start instead of failing a merge.
 * @throws TypeError with every fault and its path
 */
export function definePolicies(policies: Policies): Policies {
  const parsed = policiesSchema.safeParse(policies);
  if (parsed.success) return policies;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "policies"}: ${message}`,
  );
  throw new TypeError(`Invalid policies. ${faults.join(". ")}.`);
}
