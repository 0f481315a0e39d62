import type { Response } from "express";
import type { Preferences } from "../core/prefer.ts";

/**
 * Names in `Preference-Applied` the preferences that the answer follows (RFC 7240), among those that the route
 * supports.
 */
export function setApplied(
  response: Response,
  { applied }: Preferences,
  known: readonly string[] = applied,
): void {
  const followed = applied.filter((preference) => known.includes(preference));
  if (followed.length > 0) response.set("preference-applied", followed.join(", "));
}
