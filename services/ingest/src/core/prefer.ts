/** The preferences of a request (RFC 7240). */
export interface Preferences {
  /** Longest time to wait for results, 0 for none. */
  waitMs: number;
  /** `return=minimal`: results carry no documents. */
  minimal: boolean;
  /** The preferences that the answer follows, as `Preference-Applied` names them. */
  applied: readonly string[];
}

/** One preference; a comma in quotes does not separate preferences. */
const PARTS = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
/** A name and its value, as a token or in quotes; parameters after a semicolon are ignored. */
const PREFERENCE = /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:"([^"\\]*)"|([^\s",;]*))\s*)?(?:;|$)/;

/** Parses a `Prefer` header. Unknown and malformed preferences are ignored; of a repeated name the first counts. */
export function readPrefer(header: string | undefined, waitMsMax: number): Preferences {
  const valueByName = new Map<string, string>();
  for (const [part] of (header ?? "").matchAll(PARTS)) {
    const [, name, quoted, word] = PREFERENCE.exec(part) ?? [];
    if (name === undefined) continue;
    const key = name.toLowerCase();
    if (!valueByName.has(key)) valueByName.set(key, (quoted ?? word ?? "").toLowerCase());
  }
  const minimal = valueByName.get("return") === "minimal";
  const isAsync = valueByName.has("respond-async");
  const seconds = /^\d{1,6}$/.exec(valueByName.get("wait") ?? "")?.[0];
  const wait = seconds === undefined ? waitMsMax : Math.min(Number(seconds) * 1_000, waitMsMax);
  return {
    waitMs: isAsync ? 0 : wait,
    minimal,
    applied: [...(isAsync ? ["respond-async"] : []), ...(minimal ? ["return=minimal"] : [])],
  };
}
