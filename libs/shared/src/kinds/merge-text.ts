import { diffText, isApart, type TextEdit } from "./diff-text.ts";
import type { TextContext } from "../merge/merge-value.ts";
import type { Sides } from "../merge/sides.ts";

/**
 * Non-word characters at either end. The second expression starts only at the end of a word, to avoid quadratic
 * time.
 */
const PUNCTUATION_BEFORE = /^[^\p{L}\p{N}\p{M}]+/u;
const PUNCTUATION_AFTER = /(?<=[\p{L}\p{N}\p{M}])[^\p{L}\p{N}\p{M}]+$/u;

/** The overlapping edits of both sides, and the range of the ancestor's words that they cover. */
interface Clash {
  start: number;
  end: number;
  readonly remote: TextEdit[];
  readonly local: TextEdit[];
}

/**
 * Merges a text that both sides wrote in, word by word.
 *
 * Inserts, removals and rewrites of either side are kept if the other side left those words alone; edits that
 * merely touch are both kept. Inserts of both sides at one place are kept, remote's first. If both changed the same
 * words, differently, one version of these words alone is chosen. This is diff3 (Khanna, Kunal, Pierce, "A Formal
 * Investigation of Diff3", 2007) on words, except that touching is no overlap.
 */
export function mergeText(texts: Sides<string>, merge: TextContext): string {
  const { ancestor } = texts;
  const remoteEdits = diffText(ancestor, texts.remote, merge.budget);
  const localEdits = diffText(ancestor, texts.local, merge.budget);
  const remote = withoutRepeats(remoteEdits, { edits: localEdits, text: texts.local });
  const local = withoutRepeats(localEdits, { edits: remoteEdits, text: texts.remote });
  const merged: string[] = [];
  let done = 0;
  for (let r = 0, l = 0; r < remote.length || l < local.length;) {
    const clash = collectClash(remote, r, local, l);
    r += clash.remote.length;
    l += clash.local.length;
    merged.push(ancestor.slice(done, clash.start), mergeClash(ancestor, clash, merge));
    done = clash.end;
  }
  merged.push(ancestor.slice(done));
  return merged.join("");
}

/**
 * Leaves out inserts that the other side has as well, as part of its replacement of the words beside them. The
 * result of a merge has them so, and can be merged again.
 */
function withoutRepeats(
  edits: readonly TextEdit[],
  other: { readonly edits: readonly TextEdit[]; readonly text: string },
): TextEdit[] {
  let passed = 0;
  let shift = 0;
  return edits.filter(({ start, end, text }) => {
    for (let edit = other.edits[passed]; edit && edit.end <= start; edit = other.edits[++passed]) {
      shift += edit.text.length - (edit.end - edit.start);
    }
    if (end > start) return true;
    const at = start + shift;
    const [before, after] = [other.edits[passed - 1], other.edits[passed]];
    const isBefore =
      before &&
      isRewrite(before) &&
      start - before.end < text.length &&
      endsWithWords(other.text.slice(0, at), text);
    const isAfter =
      after &&
      isRewrite(after) &&
      after.start >= start &&
      after.start - start < text.length &&
      startsWithWords(other.text.slice(at), text);
    return !isBefore && !isAfter;
  });
}

function isRewrite({ start, end, text }: TextEdit): boolean {
  return end > start && text !== "";
}

/** Collects the next edit with all edits that overlap it, directly or through others. */
function collectClash(remote: readonly TextEdit[], r: number, local: readonly TextEdit[], l: number): Clash {
  const [nextRemote, nextLocal] = [remote[r], local[l]];
  const first =
    !nextLocal || (nextRemote && compareEdits(nextRemote, nextLocal) <= 0) ? nextRemote : nextLocal;
  const clash: Clash = { start: first?.start ?? 0, end: first?.end ?? 0, remote: [], local: [] };
  const isInsert = clash.start === clash.end;
  const belongs = (edit: TextEdit | undefined) =>
    edit !== undefined &&
    (edit === first ||
      (isInsert
        ? edit.start === clash.start && edit.end === clash.start
        : edit.start < clash.end && clash.start < edit.end));
  const take = (edits: readonly TextEdit[], at: number, taken: TextEdit[]): boolean => {
    const edit = edits[at + taken.length];
    if (edit === undefined || !belongs(edit)) return false;
    taken.push(edit);
    clash.end = Math.max(clash.end, edit.end);
    return true;
  };
  while (take(remote, r, clash.remote) || take(local, l, clash.local));
  return clash;
}

/** Orders edits by start; an insert comes before the edit of the words behind it. */
function compareEdits(a: TextEdit, b: TextEdit): number {
  return a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start);
}

function mergeClash(ancestor: string, clash: Clash, merge: TextContext): string {
  const words = {
    ancestor: ancestor.slice(clash.start, clash.end),
    remote: applyEdits(ancestor, clash, clash.remote),
    local: applyEdits(ancestor, clash, clash.local),
  };
  if (clash.local.length === 0 || words.remote === words.local) return words.remote;
  if (clash.remote.length === 0) return words.local;
  const remoteRemoves = clash.remote.every(({ text }) => text === "");
  const localRemoves = clash.local.every(({ text }) => text === "");
  // Overlapping removals remove everything they cover.
  if (remoteRemoves && localRemoves) return "";
  // Equal words that one side continued are typed once.
  if (!remoteRemoves && !localRemoves && isOnePlace(clash)) {
    if (goesOnWith(words.remote, words.local)) return words.remote;
    if (goesOnWith(words.local, words.remote)) return words.local;
  }
  if (clash.start === clash.end) return joinInserts(words.remote, words.local);
  const removes = remoteRemoves || localRemoves;
  const decision = removes
    ? merge.decideDeletion(remoteRemoves ? "local" : "remote")
    : { chosen: merge.prefer };
  merge.recordOverlap(words, decision);
  return words[decision.chosen];
}

/** Reports whether both sides replaced exactly the same words, or inserted at the same place. */
function isOnePlace({ start, end, remote, local }: Clash): boolean {
  return [remote, local].every(
    ([edit, more]) => edit !== undefined && more === undefined && edit.start === start && edit.end === end,
  );
}

function applyEdits(ancestor: string, { start, end }: Clash, edits: readonly TextEdit[]): string {
  const parts: string[] = [];
  let done = start;
  for (const edit of edits) {
    parts.push(ancestor.slice(done, edit.start), edit.text);
    done = edit.end;
  }
  parts.push(ancestor.slice(done, end));
  return parts.join("");
}

/** Joins two inserts, with a space if they would otherwise make one word. */
function joinInserts(first: string, second: string): string {
  return isApart(first, second) ? first + second : `${first} ${second}`;
}

function startsWithWords(longer: string, shorter: string): boolean {
  return longer.startsWith(shorter) && isApart(shorter, longer.slice(shorter.length));
}

function endsWithWords(longer: string, shorter: string): boolean {
  return longer.endsWith(shorter) && isApart(longer.slice(0, longer.length - shorter.length), shorter);
}

/**
 * Reports whether a passage has all words of a shorter one. Punctuation at its ends, such as a full stop, may have
 * moved.
 */
function goesOnWith(longer: string, shorter: string): boolean {
  if (containsWords(longer, shorter)) return true;
  const words = trimPunctuation(shorter);
  return words !== "" && containsWords(longer, words);
}

function trimPunctuation(text: string): string {
  return text.replace(PUNCTUATION_BEFORE, "").replace(PUNCTUATION_AFTER, "");
}

function containsWords(longer: string, shorter: string): boolean {
  const index = longer.indexOf(shorter);
  return (
    index >= 0 && isApart(longer.slice(0, index), shorter) && startsWithWords(longer.slice(index), shorter)
  );
}
