import jsTokens from "js-tokens";

/** A piece of code that has a meaning, and its position. */
export interface CodeToken {
  text: string;
  start: number;
  end: number;
}

const INSIGNIFICANT = /^(WhiteSpace|LineTerminatorSequence|.*Comment)$/;
const CLOSING = /^[)\]}]$/;
const SQL_OR_LUA = /\s+|--[^\n]*|\w+|./gs;

/** Splits TypeScript into tokens. Leaves out whitespace, comments and trailing commas; all strings get double quotes. */
export function tokensOfTypeScript(code: string): CodeToken[] {
  const tokens: CodeToken[] = [];
  let start = 0;
  for (const { type, value } of jsTokens(code)) {
    const end = start + value.length;
    if (CLOSING.test(value) && tokens.at(-1)?.text === ",") tokens.pop();
    if (!INSIGNIFICANT.test(type)) {
      tokens.push({ text: type === "StringLiteral" ? withDoubleQuotes(value) : value, start, end });
    }
    start = end;
  }
  return tokens;
}

/** Splits SQL or Lua into tokens. Leaves out whitespace and line comments. */
export function tokensOfScript(code: string): CodeToken[] {
  return [...code.matchAll(SQL_OR_LUA)]
    .map(({ 0: text, index }) => ({ text, start: index, end: index + text.length }))
    .filter(({ text }) => !/^(\s|--)/.test(text));
}

function withDoubleQuotes(literal: string): string {
  const inner = literal.slice(1, -1);
  return inner.includes('"') ? literal : `"${inner}"`;
}
