import { compareVersions, validate } from "compare-versions";

/**
 * Returns the higher of two versions, such as `1.10.0` and `^1.9`, or `undefined` if one of them is no version or neither
 * is higher.
 */
export function mergeVersion(remote: string, local: string): string | undefined {
  if (!isVersion(remote) || !isVersion(local)) return undefined;
  const order = compareVersions(remote, local);
  if (order === 0) return undefined;
  return order > 0 ? remote : local;
}

/** A version, also one that others are to be compatible with; no range of versions. */
function isVersion(text: string): boolean {
  return validate(text.replace(/^[~^]/, ""));
}
