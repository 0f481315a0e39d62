/** Words by which no comment begins: a first sentence starts with a verb or a noun phrase. */
const OPENER = /^(what|who|whom|whose|which|where|wherever|whether|how|of|as)\b/i;

/** Words that have a better one. */
const BANNED: readonly [RegExp, string][] = [
  [/\b(no|some|every)body\b/i, "name the client, the process or the person"],
  [/\bdoorkeepers?\b/i, "middleware"],
  [/\b(set|sets|setting) aside\b/i, "dead-letter"],
  [/\bdead entr(y|ies)\b/i, "dead letters"],
  [/\bfor ever\b/i, "indefinitely"],
  [/\bgo(es)? on\b/i, "continue or resume"],
  [/\bhow (it|they) gets? on\b/i, "progress"],
  [/\brehears(e|es|al|als|ed)\b/i, "dry run"],
  [/\bculprits?\b/i, "the failing operation"],
  [/\bquiet conflicts?\b/i, "stalled conflicts"],
  [/\bin reach\b/i, "visible"],
  [/\bmend(s|ed|ing)?\b/i, "fix"],
  [/\bask(s|ed)? for a round\b/i, "enqueue a merge attempt"],
];

/** A piece of prose: a comment, or a paragraph of a page. */
export interface Prose {
  kind: "comment" | "page";
  text: string;
}

/** Returns one sentence for each fault of the prose. */
export function findFaults({ kind, text }: Prose): string[] {
  const faults: string[] = [];
  const opener = kind === "comment" ? OPENER.exec(text)?.[0] : undefined;
  if (opener !== undefined)
    faults.push(`a comment starts with "${opener}": start with a verb or a noun phrase`);
  for (const [word, better] of BANNED) {
    const found = word.exec(text)?.[0];
    if (found !== undefined) faults.push(`"${found}": ${better}`);
  }
  return faults;
}
