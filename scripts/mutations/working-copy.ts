import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";

/** Folders that tools create or that are too large to copy. */
const LEFT_OUT = new Set([".git", "node_modules", "dist", ".syncline"]);

/** A copy of the working tree that can be broken without harm. */
export interface WorkingCopy {
  readonly path: string;
  /** Replaces the content of a file. @returns a function that restores it */
  write(file: string, text: string): () => void;
  remove(): void;
}

/** Copies the current sources, committed or not. Dependencies are links to the installed ones. */
export function makeWorkingCopy(root: string): WorkingCopy {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "syncline-mutations-"));
  try {
    cpSync(root, path, { recursive: true, filter: (source) => !LEFT_OUT.has(basename(source)) });
    for (const folder of packagesOf(root)) linkDependencies(root, path, join(folder, "node_modules"));
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
  return {
    path,
    write(file, text) {
      const target = join(path, file);
      const before = readFileSync(target, "utf8");
      writeFileSync(target, text);
      return () => writeFileSync(target, before);
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The root, and every workspace with its own dependencies. */
function packagesOf(root: string): string[] {
  const { workspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    workspaces: string[];
  };
  const folders = workspaces.flatMap((pattern) =>
    pattern.endsWith("/*")
      ? readdirSync(join(root, pattern.slice(0, -2))).map((name) => join(pattern.slice(0, -2), name))
      : [pattern],
  );
  return ["", ...folders].filter((folder) => entriesOf(join(root, folder, "node_modules")).length > 0);
}

/**
 * Links the installed dependencies. A package of this repository links to the copy, or the tests would run the
 * original.
 */
function linkDependencies(root: string, copy: string, folder: string): void {
  mkdirSync(join(copy, folder), { recursive: true });
  for (const name of entriesOf(join(root, folder))) {
    const place = join(folder, name);
    if (name.startsWith("@")) {
      linkDependencies(root, copy, place);
      continue;
    }
    const target = realpathSync(join(root, place));
    const inside = relative(realpathSync(root), target);
    const isOurs = !inside.startsWith("..") && !inside.split("/").includes("node_modules");
    symlinkSync(isOurs ? join(copy, inside) : target, join(copy, place));
  }
}

/** Lists a folder's entries without caches, whose names begin with a dot; they stay with the original. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name === ".bin" || !name.startsWith("."));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
