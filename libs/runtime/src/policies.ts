import { existsSync } from "node:fs";
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
