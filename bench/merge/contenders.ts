import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { jsonEqual } from "../../libs/shared/src/document/json-equal.ts";
import { isJsonObject, type Json } from "../../libs/shared/src/document/json.ts";
import { mergeDocument, type MergeOptions } from "../../libs/shared/src/operations/merge-document.ts";
import type { RealMerge } from "./real-merge.ts";

/** A merge algorithm with all its strategies. One that throws has no result. */
export interface Contender {
  readonly name: string;
  /** True if the merge runs in this process; otherwise a program's start would count as its work. */
  readonly inProcess: boolean;
  /** By name; the first one is timed. */
  readonly strategies: Readonly<Record<string, (merge: RealMerge) => Promise<Merged | undefined> | Merged>>;
}

/** A contender's result. */
export interface Merged {
  readonly document: Json;
  /** True if the text has a duplicate key in an object, of which a lenient reader takes the last. */
  readonly keyTwice: boolean;
}

/** The used part of jsondiffpatch, which is installed only here. */
interface JsonDiffPatch {
  create(this: void, options: object): JsonPatcher;
}

interface JsonPatcher {
  diff(left: Json, right: Json): unknown;
  patch(left: Json, delta: unknown): Json;
}

const runFile = promisify(execFile);
/** The start of a line that begins with a property. */
const KEY_LINE = /^ *"(?:[^"\\]|\\.)*": /gm;

/** Syncline's own merge. `words` merges the strings that both sides changed as text. */
export function createSyncline(): Contender {
  const merge = ({ base, remote, local }: RealMerge, options: MergeOptions) =>
    mergeDocument({ ancestor: base, remote, local }, options);
  const documentOf = (real: RealMerge, options: MergeOptions): Merged => ({
    document: merge(real, options).document,
    keyTwice: false,
  });
  return {
    name: "syncline",
    inProcess: true,
    strategies: {
      local: (real) => documentOf(real, { prefer: "local" }),
      remote: (real) => documentOf(real, { prefer: "remote" }),
      words: (real) => {
        const { overlaps } = merge(real, {});
        const rules = overlaps.map(({ path }) => ({ path, is: "text" }) as const);
        return documentOf(real, { rules });
      },
    },
  };
}

/** Runs `git merge-file` on the documents as indented text, one value a line. */
export function createGit(directory: string): Contender {
  const merge = async (real: RealMerge, flags: readonly string[]): Promise<Merged | undefined> => {
    const names = ["local", "base", "remote"] as const;
    const paths = names.map((name) => join(directory, name));
    await Promise.all(
      names.map((name, index) => writeFile(paths[index] ?? "", `${JSON.stringify(real[name], null, 2)}\n`)),
    );
    // The exit status is the number of conflicts; a failure to run is 128 or above.
    const { status, stdout } = await runFile("git", ["merge-file", "-p", "-q", ...flags, ...paths], {
      maxBuffer: 1 << 27,
    }).then(
      ({ stdout }) => ({ status: 0, stdout }),
      (error: { code?: unknown; stdout?: string }) => ({ status: error.code, stdout: error.stdout ?? "" }),
    );
    if (typeof status !== "number" || status >= 128) {
      throw new Error(`git merge-file failed on ${real.id} (${String(status)}); check that git is installed`);
    }
    return status === 0 ? parse(stdout) : undefined;
  };
  return {
    name: "git merge-file",
    inProcess: false,
    strategies: {
      none: (real) => merge(real, []),
      local: (real) => merge(real, ["--ours"]),
      remote: (real) => merge(real, ["--theirs"]),
      union: (real) => merge(real, ["--union"]),
    },
  };
}

/**
 * Applies one side's jsondiffpatch delta to the other side. Items are matched by `id`, otherwise by their full content.
 */
export async function loadJsonDiffPatch(): Promise<Contender> {
  const specifier: string = "jsondiffpatch";
  const { create } = (await import(specifier)) as JsonDiffPatch;
  const patcher = create({
    objectHash: (item: { id?: unknown }) => JSON.stringify(item.id ?? item),
  });
  const merge = (base: Json, onto: Json, other: Json): Merged => {
    const delta = patcher.diff(base, other);
    // Patching changes its input.
    const document = delta === undefined ? onto : patcher.patch(structuredClone(onto), delta);
    return { document, keyTwice: false };
  };
  return {
    name: "jsondiffpatch",
    inProcess: true,
    strategies: {
      local: ({ base, remote, local }) => merge(base, remote, local),
      remote: ({ base, remote, local }) => merge(base, local, remote),
    },
  };
}

interface Trimerge {
  combineMergers(this: void, ...mergers: unknown[]): (base: Json, local: Json, remote: Json) => Json;
  trimergeArrayCreator(this: void, keyOf: (item: Json) => string): unknown;
  readonly trimergeJsonDeepEqual: unknown;
  readonly trimergeJsonObject: unknown;
}

/**
 * Runs trimerge, with items matched by `id`, otherwise by their full content. It throws at a conflict, and if two items
 * have one key.
 */
export async function loadTrimerge(): Promise<Contender> {
  const specifier: string = "trimerge";
  const lib = (await import(specifier)) as Trimerge;
  const keyOf = (item: Json) => JSON.stringify((isJsonObject(item) ? item["id"] : undefined) ?? item);
  const mergers = [lib.trimergeJsonDeepEqual, lib.trimergeJsonObject, lib.trimergeArrayCreator(keyOf)];
  const strategy = (...last: ((base: Json, local: Json, remote: Json) => Json)[]) => {
    const merge = lib.combineMergers(...mergers, ...last);
    return ({ base, remote, local }: RealMerge): Merged => ({
      document: merge(base, local, remote),
      keyTwice: false,
    });
  };
  return {
    name: "trimerge",
    inProcess: true,
    strategies: {
      none: strategy(),
      local: strategy((_, local) => local),
      remote: strategy((_base, _local, remote) => remote),
    },
  };
}

interface NodeDiff3 {
  diff3Merge(
    this: void,
    local: string[],
    base: string[],
    remote: string[],
    options: { excludeFalseConflicts: true },
  ): { ok?: string[]; conflict?: { a: string[]; b: string[] } }[];
}

/**
 * Runs node-diff3 on the items of arrays, matched by their full content; objects merge by key. It has no result at a
 * conflict.
 */
export async function loadNodeDiff3(): Promise<Contender> {
  const specifier: string = "node-diff3";
  const { diff3Merge } = (await import(specifier)) as NodeDiff3;
  const texts = (items: readonly Json[]) => items.map((item) => JSON.stringify(item));
  const equal = (a: Json | undefined, b: Json | undefined) =>
    a === b || (a !== undefined && b !== undefined && jsonEqual(a, b));
  type Slots = Record<"base" | "remote" | "local", Json | undefined>;
  const merge = ({ base, remote, local }: Slots, prefer?: "remote" | "local"): Json | undefined => {
    if (equal(remote, local) || equal(base, remote)) return local;
    if (equal(base, local)) return remote;
    if (isJsonObject(remote) && isJsonObject(local) && (base === undefined || isJsonObject(base))) {
      const keys = new Set([...Object.keys(remote), ...Object.keys(local)]);
      const merged = [...keys].map((key) => {
        const at = { base: base?.[key], remote: remote[key], local: local[key] };
        return [key, merge(at, prefer)] as const;
      });
      return Object.fromEntries(merged.filter(([, value]) => value !== undefined)) as Json;
    }
    if (Array.isArray(base) && Array.isArray(remote) && Array.isArray(local)) {
      const blocks = diff3Merge(texts(local), texts(base), texts(remote), { excludeFalseConflicts: true });
      return blocks.flatMap(({ ok, conflict }) => {
        if (conflict && prefer === undefined) throw new Error("conflict");
        const items = ok ?? (prefer === "local" ? conflict?.a : conflict?.b) ?? [];
        return items.map((text) => JSON.parse(text) as Json);
      });
    }
    if (prefer === undefined) throw new Error("conflict");
    return prefer === "local" ? local : remote;
  };
  const strategy =
    (prefer?: "remote" | "local") =>
    ({ base, remote, local }: RealMerge): Merged => ({
      document: merge({ base, remote, local }, prefer) ?? null,
      keyTwice: false,
    });
  return {
    name: "node-diff3",
    inProcess: true,
    strategies: { none: strategy(), local: strategy("local"), remote: strategy("remote") },
  };
}

/** Lines that merge without a conflict may still be invalid JSON, such as with a missing comma. */
function parse(text: string): Merged | undefined {
  let document: Json;
  try {
    document = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  const countKeys = (text: string) => text.match(KEY_LINE)?.length ?? 0;
  return { document, keyTwice: countKeys(text) > countKeys(JSON.stringify(document, null, 2)) };
}
