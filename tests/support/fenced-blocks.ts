import { readFile } from "node:fs/promises";

/** A fenced code block of a page. */
export interface FencedBlock {
  readonly language: string;
  readonly code: string;
}

/**
 * Reads the code blocks of a page, or of the section under a heading, including its subsections.
 *
 * @param page - a path from the repository's folder
 */
export async function readFencedBlocks(page: string, heading?: string): Promise<FencedBlock[]> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), "utf8");
  const blocks: { language: string; lines: string[] }[] = [];
  let depth = heading === undefined ? 0 : Infinity;
  let open: { language: string; lines: string[] } | undefined;
  for (const line of text.split("\n")) {
    const fence = /^ *```(\w*)$/.exec(line);
    const title = open === undefined ? /^(#+) (.*)$/.exec(line) : null;
    if (title !== null && heading !== undefined) {
      const level = title[1]?.length ?? 0;
      if (title[2] === heading) depth = level;
      else if (level <= depth) depth = Infinity;
    } else if (fence === null) {
      open?.lines.push(line);
    } else if (open === undefined) {
      open = { language: fence[1] ?? "", lines: [] };
    } else {
      if (depth < Infinity) blocks.push(open);
      open = undefined;
    }
  }
  return blocks.map(({ language, lines }) => ({ language, code: lines.join("\n") }));
}
