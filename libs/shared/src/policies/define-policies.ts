import { z } from "zod";
import { compileRules } from "../merge/field-rules.ts";
import { OVERRIDES, type CollectionPolicy, type Policies, type ResolveHook } from "../merge/policies.ts";
import { CONFLICT_STRATEGIES } from "../merge/conflict-strategy.ts";
import type { JsonSchema, StandardSchema } from "../merge/document-schema.ts";
import { compileSchema, type RunBounded } from "./compile-schema.ts";

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
    // Some libraries make schemas that are functions.
    schema: z
      .custom<StandardSchema | JsonSchema>(
        (value) => (typeof value === "object" && value !== null) || typeof value === "function",
        "must be a Standard Schema or a JSON Schema",
      )
      .optional(),
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
 * Validates policies, so that an error in them prevents the start instead of failing a merge, and compiles their schemas.
 *
 * @param bounded - runs a schema's validation within a time limit; by default without one
 * @throws TypeError with every fault and its path
 */
export function definePolicies(policies: Policies, bounded: RunBounded = (call) => call()): Policies {
  const parsed = policiesSchema.safeParse(policies);
  const faults = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".") || "policies"}: ${message}`);
  if (faults.length > 0) throw invalid(faults);

  const compile = (policy: CollectionPolicy, path: string): CollectionPolicy => {
    if (policy.schema === undefined) return policy;
    try {
      return { ...policy, schema: compileSchema(policy.schema, bounded) };
    } catch (error) {
      faults.push(`${path}.schema: ${error instanceof Error ? error.message : String(error)}`);
      return policy;
    }
  };
  const { default: byDefault, collections } = policies;
  const compiled = {
    ...(byDefault && { default: compile(byDefault, "default") }),
    ...(collections && {
      collections: Object.fromEntries(
        Object.entries(collections).map(([name, policy]) => [name, compile(policy, `collections.${name}`)]),
      ),
    }),
  };
  if (faults.length > 0) throw invalid(faults);
  return compiled;
}

function invalid(faults: readonly string[]): TypeError {
  return new TypeError(`Invalid policies. ${faults.join(". ")}.`);
}
