import ts from "typescript";
import type { Prose } from "./find-faults.ts";

/** Prose with the line, from 1, on which it starts. */
export interface PlacedProse extends Prose {
  line: number;
}

/** Reads the comments of a source, or the paragraphs of a page. Code samples of a page are skipped. */
export function readProse(path: string, source: string): PlacedProse[] {
  if (path.endsWith(".md")) return readPage(source);
  if (/\.(sql|lua)$/.test(path)) return readLineComments(source, /^\s*--\s?(.*)/);
  return readSource(path, source);
}

function readPage(source: string): PlacedProse[] {
  let isCode = false;
  return source.split("\n").flatMap((text, index): PlacedProse[] => {
    if (/^\s*(```|~~~)/.test(text)) isCode = !isCode;
    return isCode ? [] : [{ kind: "page", text: text.replace(/`[^`]*`/g, ""), line: index + 1 }];
  });
}

/** Joins the lines of a comment: only its first starts a sentence for sure. */
function readLineComments(source: string, comment: RegExp): PlacedProse[] {
  const found: PlacedProse[] = [];
  let isInside = false;
  source.split("\n").forEach((line, index) => {
    const text = comment.exec(line)?.[1];
    const last = found.at(-1);
    if (text !== undefined && isInside && last !== undefined) last.text += ` ${text}`;
    else if (text !== undefined) found.push({ kind: "comment", text, line: index + 1 });
    isInside = text !== undefined;
  });
  return found;
}

function readSource(path: string, source: string): PlacedProse[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const ranges = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    const around = [
      ...(ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(source, node.getEnd()) ?? []),
    ];
    for (const range of around) ranges.set(range.pos, range);
    for (const child of node.getChildren(file)) visit(child);
  };
  visit(file);
  const found: (PlacedProse & { endLine: number })[] = [];
  for (const { pos, end, kind } of [...ranges.values()].sort((a, b) => a.pos - b.pos)) {
    const [line, endLine] = [pos, end].map((at) => file.getLineAndCharacterOfPosition(at).line + 1);
    const isLine = kind === ts.SyntaxKind.SingleLineCommentTrivia;
    const text = textOf(source.slice(pos, end));
    const last = found.at(-1);
    const isAlone = /(^|\n)\s*$/.test(source.slice(0, pos));
    if (isLine && isAlone && last !== undefined && last.endLine === (line ?? 0) - 1) {
      last.text += ` ${text}`;
      last.endLine = endLine ?? 0;
    } else found.push({ kind: "comment", text, line: line ?? 0, endLine: endLine ?? 0 });
  }
  return found;
}

function textOf(comment: string): string {
  const lines = comment.replace(/^\/\/|^\/\*+|\*\/$/g, "").split("\n");
  return lines
    .map((line) => line.replace(/^\s*\* ?/, "").trim())
    .join(" ")
    .trim();
}
