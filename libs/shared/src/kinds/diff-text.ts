import { createBudget, matchCommon, type SearchBudget } from "../merge/common-subsequence.ts";

/** A change to a text: `text` replaces the characters from `start` up to `end`. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Bounds the characters of changed lines that are cut into words. The rest is compared by lines. */
const WORDS_MAX = 300_000;

/**
 * Finds the words that turn one text into another: first the changed lines, then the changed words in them.
 *
 * @returns the edits, in order and apart from each other.
 */
export function diffText(from: string, to: string, budget = createBudget()): TextEdit[] {
  if (from === to) return [];
  const lines = diffPieces(splitLines(from), splitLines(to), 0, budget);
  let left = WORDS_MAX;
  const edits = lines.flatMap(({ start, end, text }) => {
    const line = from.slice(start, end);
    if (line === "" || text === "") return [{ start, end, text }];
    // A line may be as long as the text, so its unchanged head and tail are not cut into words.
    const head = commonHead(line, text);
    const tail = commonTail(line, text, head);
    left -= line.length + text.length - 2 * (head + tail);
    if (left < 0) return pairLines(splitLines(line), splitLines(text), start);
    const words = splitWords(line.slice(head, line.length - tail));
    return diffPieces(words, splitWords(text.slice(head, text.length - tail)), start + head, budget);
  });
  return edits.map((edit, index) => slide(edit, from, edits[index + 1]?.start ?? from.length));
}

/** Pairs lines one to one if their number is unchanged; otherwise returns a single edit. */
function pairLines(from: readonly string[], to: readonly string[], offset: number): TextEdit[] {
  if (from.length !== to.length)
    return [{ start: offset, end: offset + from.join("").length, text: to.join("") }];
  let end = offset;
  return from.flatMap((line, index) => {
    const start = end;
    end += line.length;
    const text = to[index] ?? "";
    return line === text ? [] : [{ start, end, text }];
  });
}

/**
 * Moves an insert or a removal as far towards the end as the text reads the same: "a [b ]c" and "a[ b] c" are one
 * edit. Without this, one edit made against two different texts would count as two.
 */
function slide(edit: TextEdit, from: string, max: number): TextEdit {
  if (edit.end > edit.start && edit.text !== "") return edit;
  const words = splitWords(edit.text === "" ? from.slice(edit.start, edit.end) : edit.text);
  let { start, end } = edit;
  let turned = 0;
  for (;;) {
    const word = words[turned % words.length] ?? "";
    const next = end + word.length;
    if (next > max || !from.startsWith(word, end) || !endsWordAt(from, next)) break;
    start += word.length;
    end = next;
    turned++;
  }
  turned %= words.length;
  const text = edit.text === "" ? "" : [...words.slice(turned), ...words.slice(0, turned)].join("");
  return { start, end, text };
}

type Pair = readonly [from: number, to: number];

/**
 * Finds the edits between two texts that are cut into pieces. Non-blank pieces are matched first: otherwise the
 * spaces, as many as the words, would match in place of words.
 */
function diffPieces(
  from: readonly string[],
  to: readonly string[],
  offset: number,
  budget: SearchBudget,
): TextEdit[] {
  const tokenByPiece = new Map<string, number>();
  const tokenize = (piece: string) => {
    const token = tokenByPiece.get(piece) ?? tokenByPiece.size;
    tokenByPiece.set(piece, token);
    return token;
  };
  const [fromFilled, toFilled] = [indexFilled(from), indexFilled(to)];
  const matches = matchCommon(
    fromFilled.map((index) => tokenize(from[index] ?? "")),
    toFilled.map((index) => tokenize(to[index] ?? "")),
    budget,
  );
  const edits: TextEdit[] = [];
  let start = offset;
  let fromDone = 0;
  let toDone = 0;
  /** Keeps a piece that both texts have, and records the pieces before it on either side as an edit. */
  const keep = (fromAt: number, toAt: number) => {
    let end = start;
    for (let index = fromDone; index < fromAt; index++) end += (from[index] ?? "").length;
    if (fromAt > fromDone || toAt > toDone) {
      edits.push({ start, end, text: to.slice(toDone, toAt).join("") });
    }
    start = end + (from[fromAt] ?? "").length;
    fromDone = fromAt + 1;
    toDone = toAt + 1;
  };
  const keepUpTo = (fromAt: number, toAt: number) => {
    const max = Math.min(fromAt - fromDone, toAt - toDone);
    for (let count = 0; count < max && from[fromDone] === to[toDone]; count++) keep(fromDone, toDone);
    if (fromDone < fromAt && toDone < toAt) {
      for (const [i, j] of matchBetween(from, [fromDone, fromAt], to, [toDone, toAt])) keep(i, j);
    }
    keep(fromAt, toAt);
  };
  matches.forEach((match, index) => {
    if (match >= 0) keepUpTo(fromFilled[index] ?? 0, toFilled[match] ?? 0);
  });
  keepUpTo(from.length, to.length);
  return edits;
}

/** Matches the blank pieces between two matched pieces that stayed the same while the words around them changed. */
function matchBetween(
  from: readonly string[],
  [fromStart, fromEnd]: Pair,
  to: readonly string[],
  [toStart, toEnd]: Pair,
): Pair[] {
  const max = Math.min(fromEnd - fromStart, toEnd - toStart);
  let tail = 0;
  while (tail < max && from[fromEnd - 1 - tail] === to[toEnd - 1 - tail]) tail++;
  const pairs: Pair[] = [];
  // If the number of words is unchanged, each word replaced one, and the pieces between them stayed.
  const fromFilled = indexFilled(from, fromStart, fromEnd - tail);
  const toFilled = indexFilled(to, toStart, toEnd - tail);
  if (fromFilled.length === toFilled.length) {
    for (let word = 1; word < fromFilled.length; word++) {
      const fromSpace = [(fromFilled[word - 1] ?? 0) + 1, fromFilled[word] ?? 0] as const;
      const toSpace = [(toFilled[word - 1] ?? 0) + 1, toFilled[word] ?? 0] as const;
      if (from.slice(...fromSpace).join("") !== to.slice(...toSpace).join("")) continue;
      for (let index = 0; fromSpace[0] + index < fromSpace[1]; index++) {
        pairs.push([fromSpace[0] + index, toSpace[0] + index]);
      }
    }
  }
  for (let index = tail; index > 0; index--) pairs.push([fromEnd - index, toEnd - index]);
  return pairs;
}

/** The indices of the non-blank pieces. */
function indexFilled(pieces: readonly string[], start = 0, end = pieces.length): number[] {
  const indices: number[] = [];
  for (let index = start; index < end; index++) if (!isBlank(pieces[index] ?? "")) indices.push(index);
  return indices;
}

function isBlank(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (!isSpace(text.charCodeAt(index))) return false;
  return true;
}

/** A line longer than this is cut into passages. */
const LINE_MAX = 1000;

function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start) + 1 || text.length;
    if (end - start <= LINE_MAX) lines.push(text.slice(start, end));
    else cutPassages(text.slice(start, end), lines);
    start = end;
  }
  return lines;
}

/**
 * Cuts a line behind words that are chosen by their hash, so that an edit leaves all other cuts of the line in
 * place (content-defined chunking; Manber, "Finding Similar Files in a Large File System", 1994).
 */
function cutPassages(line: string, passages: string[]): void {
  let start = 0;
  let hash = 0;
  for (let index = 0; index < line.length; index++) {
    const unit = line.charCodeAt(index);
    if (!isSpace(unit)) {
      hash = Math.imul(hash ^ unit, 0x9e3779b1);
      continue;
    }
    if (hash !== 0 && hash >>> 28 === 0) {
      passages.push(line.slice(start, index + 1));
      start = index + 1;
    }
    hash = 0;
  }
  if (start < line.length) passages.push(line.slice(start));
}

/** Counts the characters of the common head of two texts, up to a position at which words begin in both. */
function commonHead(a: string, b: string): number {
  const max = Math.min(a.length, b.length);
  let length = 0;
  while (length < max && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  while (length > 0 && !isSpace(a.charCodeAt(length - 1))) length--;
  return length;
}

/** Counts the characters of the common tail of two texts, from a position at which words begin in both. */
function commonTail(a: string, b: string, head: number): number {
  const max = Math.min(a.length, b.length) - head;
  let length = 0;
  while (length < max && a.charCodeAt(a.length - length - 1) === b.charCodeAt(b.length - length - 1))
    length++;
  while (length > 0 && !isSpace(a.charCodeAt(a.length - length))) length--;
  return length;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Characters of a word. */
const WORD = /^[\p{L}\p{N}\p{M}_]$/u;
/** Scripts that put no spaces between words: each character is a word. */
const UNSPACED =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]$/u;
const MARK = /^[\p{M}\p{Emoji_Modifier}\u200d]$/u;

/** Digits of any script. */
const DIGIT = /^\p{Nd}$/u;
/**
 * Joiners of a number, date, time or version when between two digits. The last five are thousands and decimal
 * separators.
 */
const NUMBER_JOINERS = "'.,:-/\u2019\u00a0\u202f\u066b\u066c";
/** Signs of a number when in front of a digit, unless a word stands before them. */
const SIGNS = "+-\u2212";

/** Joins two emoji to one. */
const JOINER = 0x200d;

/** Reports whether a text can be cut at an index without cutting a word. */
function endsWordAt(text: string, index: number): boolean {
  return isApart(text.slice(0, index), text.slice(index));
}

/** Reports whether a word ends at the boundary between two texts. */
export function isApart(before: string, after: string): boolean {
  // A few characters are enough for a letter and its marks.
  const [end, begin] = [before.slice(-8), after.slice(0, 8)];
  return splitWords(end + begin).length === splitWords(end).length + splitWords(begin).length;
}

/** The ways in which a character joins the one before it. */
const ALONE = 1;
const IN_WORD = 2;
const ON_ANYTHING = 3;
const IN_NUMBER = 4;

/**
 * Cached by code unit as characters are met; 0 is unknown. Testing Unicode properties is too slow for every
 * character.
 */
const joinByUnit = new Uint8Array(0x10000);

/**
 * Cuts a text into words and single other characters; joined, they are the text again. Letters, digits and marks
 * make a word; text in scripts without spaces is cut into characters. A number, a date, a time or a version is one
 * word with its sign and separators: half of one and half of another would make a third that neither side wrote.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let start = 0;
  let before = ALONE;
  let afterJoiner = false;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    const isPair = unit >= 0xd800 && unit <= 0xdbff && (text.codePointAt(index) ?? 0) > 0xffff;
    let join = isPair ? classify(text.slice(index, index + 2)) : joinOf(unit);
    const goesOn = before === IN_WORD || before === IN_NUMBER;
    let joins = join === ON_ANYTHING || afterJoiner || (goesOn && (join === IN_WORD || join === IN_NUMBER));
    if (
      join === ALONE &&
      !isPair &&
      index + 1 < text.length &&
      joinOf(text.charCodeAt(index + 1)) === IN_NUMBER
    ) {
      if (before === IN_NUMBER && NUMBER_JOINERS.includes(text.charAt(index))) joins = true;
      if (joins || (!goesOn && SIGNS.includes(text.charAt(index)))) join = IN_NUMBER;
    }
    if (!joins && index > start) {
      words.push(text.slice(start, index));
      start = index;
    }
    if (join !== ON_ANYTHING || index === start) before = join;
    afterJoiner = unit === JOINER;
    if (isPair) index++;
  }
  if (start < text.length) words.push(text.slice(start));
  return words;
}

function joinOf(unit: number): number {
  const known = joinByUnit[unit] ?? 0;
  if (known !== 0) return known;
  return (joinByUnit[unit] = classify(String.fromCharCode(unit)));
}

function classify(character: string): number {
  if (MARK.test(character)) return ON_ANYTHING;
  if (DIGIT.test(character)) return IN_NUMBER;
  if (UNSPACED.test(character)) return ALONE;
  return WORD.test(character) ? IN_WORD : ALONE;
}
