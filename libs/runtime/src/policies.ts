import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { definePolicies, type Policies } from "@syncline/shared";
import { z } from "zod";

/** Read by all three services: ingest refuses, the worker chooses the strategy, the conflict service asks hooks. */
export const policiesVariable = z
  .string()
  .optional()
  .describe(
    "A module whose default export says how conflicts are decided, by collection; the same one for all three. Without it all are merged",
  );

/**
 * Loads the module that holds the policies.
 * @throws with a sentence that names the module, where there is none or it cannot be used
 */
export async function loadPolicies(path: string | undefined): Promise<Policies> {
  if (path === undefined) return {};
  const file = resolve(path);
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: Policies };
    if (module.default === undefined) throw new TypeError("It has no default export.");
    return definePolicies(module.default);
  } catch (error) {
    throw new Error(`POLICIES ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
