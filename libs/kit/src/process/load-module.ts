import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Loads the default export of the module that a variable names.
 *
 * @param path - the variable's value; a relative path starts at the working directory
 * @param read - checks the default export, and throws if it cannot be used
 * @returns `undefined` if the variable is unset
 * @throws with a sentence that names the variable and the module, if the module does not exist or cannot be used
 */
export async function loadModule<T>(
  variable: string,
  path: string | undefined,
  read: (exported: T) => T,
): Promise<T | undefined> {
  if (path === undefined) return undefined;
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new Error(
      `${variable} names ${file}, which does not exist: correct it (relative paths start at ${process.cwd()}), or unset ${variable}`,
    );
  }
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: T };
    if (module.default === undefined) throw new TypeError("It has no default export.");
    return read(module.default);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new Error(
      `${variable} names ${file}, which cannot be used (${reason}): correct it, or unset ${variable}`,
      { cause: error },
    );
  }
}
