import ts from "typescript";
import { tokensOfScript, tokensOfTypeScript, type CodeToken } from "./code-tokens.ts";
import type { Change } from "./mutation.ts";
import type { CodePart, SourceCode } from "./source-code.ts";

/** A change's only occurrence: the characters of a file that it replaces. */
export interface Occurrence {
  part: CodePart;
  start: number;
  end: number;
  /** The identifiers that the placeholders stood for. */
  identifiers: ReadonlyMap<string, string>;
  /** The characters that each gap stood for. */
  gaps: readonly { start: number; end: number }[];
}

const PLACEHOLDER = /^\$[a-z]\w*$/i;
const IDENTIFIER = /^[a-z_]\w*$/i;
const GAP = "…";

/** Returns a change's occurrence. @throws if there is none or more than one */
export function findChange(code: SourceCode, change: Change): Occurrence {
  const parts = code.get(change.in);
  if (parts === undefined) throw new Error(`There is no declaration or file named ${change.in}`);
  const pattern = tokensOf(change.find, change.in).map(({ text }) => text);
  const found = parts.flatMap((part) => occurrencesIn(part, pattern, change.replace === undefined));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`Must occur once in ${change.in}, and occurs ${found.length} times: ${change.find}`);
  }
  return only;
}

/** Returns the text of the occurrence's file with the change. */
export function applyChange(change: Change, occurrence: Occurrence): string {
  const { start, end, identifiers } = occurrence;
  const text = occurrence.part.fileText;
  const gaps = occurrence.gaps.map((gap) => text.slice(gap.start, gap.end)).values();
  const replacement = (change.replace ?? "").replaceAll(/…|\$(?:&|[a-z]\w*)/gi, (name) => {
    if (name === GAP) return gaps.next().value ?? "";
    return name === "$&" ? text.slice(start, end) : (identifiers.get(name) ?? name);
  });
  return text.slice(0, start) + replacement + text.slice(end);
}

/**
 * Returns the names that make a change depend on its surroundings, or fail for another reason than the breakage:
 * variables, placeholders that stand for nothing, and names that its file does not have.
 */
export function looseNamesOf(change: Change, { part, identifiers }: Occurrence): string[] {
  const { find, replace = "" } = change;
  const variables = [...namesIn(find), ...namesIn(replace)].filter((name) => part.variables.has(name));
  const unknown = namesIn(replace.replaceAll("$&", "")).filter((name, _, names) => {
    if (PLACEHOLDER.test(name)) return !identifiers.has(name);
    const isDeclared = names.filter((other) => other === name).length > 1;
    return !isDeclared && !isKeyword(name) && !(name in globalThis) && !hasWord(part.fileText, name);
  });
  return part.file.endsWith(".ts") ? [...variables, ...unknown] : [];
}

/** Returns all identifiers of a piece of code but names of properties. */
function namesIn(code: string): string[] {
  const texts = tokensOfTypeScript(code).map(({ text }) => text);
  return texts.filter((text, index) => {
    const before = texts[index - 1] ?? "{";
    const isKey = (before === "{" || before === ",") && texts[index + 1] === ":";
    return /^[a-z_$][\w$]*$/i.test(text) && !isKey && before !== "." && before !== "?.";
  });
}

function isKeyword(name: string): boolean {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, name);
  return scanner.scan() !== ts.SyntaxKind.Identifier;
}

function hasWord(text: string, word: string): boolean {
  return new RegExp(String.raw`\b${word}\b`).test(text);
}

function tokensOf(code: string, file: string): CodeToken[] {
  return /\.(sql|lua)$/.test(file) ? tokensOfScript(code) : tokensOfTypeScript(code);
}

/** Returns all occurrences of a pattern. One that is removed from a list takes the comma after it along. */
function occurrencesIn(part: CodePart, pattern: readonly string[], isRemoved: boolean): Occurrence[] {
  const { tokens, fileText } = part;
  return tokens.flatMap(({ start }, from) => {
    const match = matchAt(tokens, from, pattern);
    const last = tokens[(match?.to ?? 0) - 1];
    if (match === undefined || last === undefined) return [];
    const comma = isRemoved ? /^\s*,/.exec(fileText.slice(last.end)) : null;
    return [{ part, start, end: last.end + (comma?.[0].length ?? 0), ...match }];
  });
}

interface Match extends Pick<Occurrence, "identifiers" | "gaps"> {
  /** The index of the token after it. */
  to: number;
}

/** Matches a pattern from a token on. A gap is as short as possible. */
function matchAt(
  tokens: readonly CodeToken[],
  from: number,
  pattern: readonly string[],
  known: ReadonlyMap<string, string> = new Map(),
): Match | undefined {
  const identifiers = new Map(known);
  for (const [index, wanted] of pattern.entries()) {
    const to = from + index;
    if (wanted === GAP) return matchAfterGap(tokens, to, pattern.slice(index + 1), identifiers);
    const text = tokens[to]?.text;
    if (text === undefined) return undefined;
    if (!PLACEHOLDER.test(wanted)) {
      if (text !== wanted) return undefined;
      continue;
    }
    if (!IDENTIFIER.test(text) || (identifiers.get(wanted) ?? text) !== text) return undefined;
    identifiers.set(wanted, text);
  }
  return { identifiers, gaps: [], to: from + pattern.length };
}

function matchAfterGap(
  tokens: readonly CodeToken[],
  from: number,
  pattern: readonly string[],
  known: ReadonlyMap<string, string>,
): Match | undefined {
  for (let to = from + 1; to < tokens.length; to++) {
    const match = matchAt(tokens, to, pattern, known);
    const [first, last] = [tokens[from], tokens[to - 1]];
    if (match && first && last) {
      return { ...match, gaps: [{ start: first.start, end: last.end }, ...match.gaps] };
    }
  }
  return undefined;
}
