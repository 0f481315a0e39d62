import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Policies } from "@syncline/shared/merge";
import { definePolicies } from "@syncline/shared/schemas";
import { z } from "zod";

/**
 * Read by all three services: ingest validates overrides, the worker picks the strategy, the conflict service calls
 * hooks.
 */
export const policiesVariable = z
  .string()
  .optional()
  .describe(
    "A module whose default export holds the conflict policy of each collection; the same module for all three services. If unset, every conflict is merged",
  );

/**
 * Loads the policy module.
 * @throws with a sentence that names the module, if it does not exist or cannot be used
 */
export async function loadPolicies(path: string | undefined): Promise<Policies> {
  if (path === undefined) return {};
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new Error(
      `POLICIES names ${file}, which does not exist: correct it (relative paths start at ${process.cwd()}), or unset POLICIES`,
    );
  }
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: Policies };
    if (module.default === undefined) throw new TypeError("It has no default export.");
    return definePolicies(module.default);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new Error(
      `POLICIES names ${file}, which cannot be used (${reason}): correct it, or unset POLICIES`,
      {
        cause: error,
      },
    );
  }
}
