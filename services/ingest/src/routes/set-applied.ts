import type { Response } from "express";
import type { Preferences } from "../core/prefer.ts";

/** Names the preferences of a request that its answer follows (RFC 7240), of those that the route knows. */
export function setApplied(
  response: Response,
  { applied }: Preferences,
  known: readonly string[] = applied,
): void {
  const followed = applied.filter((preference) => known.includes(preference));
  if (followed.length > 0) response.set("preference-applied", followed.join(", "));
}
