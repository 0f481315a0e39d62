/** What a request says about waiting (RFC 7240): the longest wait in milliseconds, 0 for not at all. */
export function waitMsOf(prefer: string | undefined, waitMsMax: number): number {
  const preferences = (prefer ?? "")
    .split(",")
    .map((preference) => preference.split(";")[0]?.trim().toLowerCase() ?? "");
  if (preferences.includes("respond-async")) return 0;
  const wait = preferences
    .map((preference) => /^wait\s*=\s*"?(\d{1,6})"?$/.exec(preference)?.[1])
    .find(Boolean);
  return wait === undefined ? waitMsMax : Math.min(Number(wait) * 1_000, waitMsMax);
}
