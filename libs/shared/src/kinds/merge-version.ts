import { compareVersions, validate } from "compare-versions";

/**
 * Returns the higher of two versions, such as `1.10.0` and `^1.9`. Returns `undefined` if one of them is no version
 * or neither is higher.
 */
export function mergeVersion(remote: string, local: string): string | undefined {
  if (!isVersion(remote) || !isVersion(local)) return undefined;
  const order = compareVersions(remote, local);
  if (order === 0) return undefined;
  return order > 0 ? remote : local;
}

/** Reports whether a text is a version, with or without a `~` or `^` prefix. Ranges of versions are not. */
function isVersion(text: string): boolean {
  return validate(text.replace(/^[~^]/, ""));
}
