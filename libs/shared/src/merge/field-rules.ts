/** The kind of value at a place, if its JSON type does not determine how it merges. */
export type FieldRule =
  | {
      readonly path: string;
      /** An array whose items are identified by their value under `key`. */
      readonly is: "items";
      readonly key: string;
    }
  | {
      /** An RFC 6901 pointer, in which a step `*` stands for any one key or index. */
      readonly path: string;
      /**
       * `set`: an array in which each item is present or absent. `counter`: a number that both sides add to.
       * `text`: a string that people write in. `version`: a version string, of which the higher wins. `yjs`: a Yjs
       * state (the result of `encodeStateAsUpdate`) as Base64.
       */
      readonly is: "set" | "counter" | "text" | "version" | "yjs";
    };

/** The rules for a place and the places below it. */
export interface RuleNode {
  /** The rule for the place itself. */
  readonly rule: FieldRule | undefined;
  /** True if the place is a counter or may contain one: the same change on both sides is then two changes. */
  readonly counts: boolean;
  readonly byKey: ReadonlyMap<string, RuleNode>;
  readonly byAnyKey: RuleNode | undefined;
}

interface Pattern {
  readonly rule: FieldRule;
  readonly steps: readonly string[];
}

/** The one key that implies the kind of its value: a Yjs state, unless a rule sets another kind. */
export const YJS_KEY = "yjs_state_b64";

const ANY = "*";
const POINTER = /^(?:\/(?:[^/~]|~[01])*)*$/;

/**
 * Compiles rules into a tree that is walked along with the documents, so that a place costs one lookup, however
 * many rules there are. If several rules match a place, the one that names an earlier step by its key applies, and
 * of two with the same path the later.
 *
 * @returns `undefined` if there are no rules.
 * @throws RangeError for a path that is no pointer: an error in a policy, not in a document.
 */
export function compileRules(rules: readonly FieldRule[]): RuleNode | undefined {
  if (rules.length === 0) return undefined;
  const patterns = rules.map((rule) => ({ rule, steps: parsePath(rule.path) }));
  return buildNode(patterns.toSorted(bySpecificity));
}

/** The rules for the value under a key of a place. */
export function stepInto(node: RuleNode | undefined, key: string | number): RuleNode | undefined {
  if (node === undefined) return undefined;
  if (node.byKey.size === 0) return node.byAnyKey;
  return node.byKey.get(String(key)) ?? node.byAnyKey;
}

function parsePath(path: string): string[] {
  if (!POINTER.test(path)) {
    throw new RangeError(
      `The path of a merge rule must be a JSON Pointer such as /items/*/note, not ${JSON.stringify(path)}`,
    );
  }
  return path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Sorts the more specific pattern behind the less specific. */
function bySpecificity(a: Pattern, b: Pattern): number {
  for (let depth = 0; depth < Math.min(a.steps.length, b.steps.length); depth++) {
    const difference = Number(a.steps[depth] !== ANY) - Number(b.steps[depth] !== ANY);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A key's node has the patterns that name the key and those that match any key, so that one lookup finds both. */
function buildNode(patterns: readonly Pattern[]): RuleNode {
  const rule = patterns.findLast(({ steps }) => steps.length === 0)?.rule;
  const below = patterns.filter(({ steps }) => steps.length > 0);
  const nodeOf = (key: string) => {
    const fitting = below.filter(({ steps }) => steps[0] === key || steps[0] === ANY);
    return buildNode(fitting.map(({ rule, steps }) => ({ rule, steps: steps.slice(1) })));
  };
  const heads = new Set(below.map(({ steps }) => steps[0] ?? ANY));
  const byAnyKey = heads.delete(ANY) ? nodeOf(ANY) : undefined;
  const byKey = new Map([...heads].map((key) => [key, nodeOf(key)]));
  const counts =
    rule?.is === "counter" || byAnyKey?.counts === true || [...byKey.values()].some((node) => node.counts);
  return { rule, counts, byKey, byAnyKey };
}
