import { readFile } from "node:fs/promises";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** A release's features by their dotted path, such as `api.AbortController.abort`. */
export type FeatureByPath = ReadonlyMap<string, JsonObject>;

/** Reads a release of `@mdn/browser-compat-data` that is installed under the alias `packageName`. */
export async function readRelease(
  packageName: string,
): Promise<{ version: string; features: FeatureByPath }> {
  const text = await readFile(new URL(import.meta.resolve(packageName)), "utf8");
  const tree: Json = JSON.parse(text);
  const meta = isJsonObject(tree) ? tree["__meta"] : undefined;
  if (!isJsonObject(tree) || !isJsonObject(meta) || typeof meta["version"] !== "string") {
    throw new Error(`${packageName} holds no compatibility data; reinstall it with npm ci`);
  }
  return { version: meta["version"], features: collectFeatures(tree) };
}

/** Collects every `__compat` object of the tree as a feature, with the keys to it as its path. */
export function collectFeatures(tree: JsonObject): FeatureByPath {
  const features = new Map<string, JsonObject>();
  const walk = (node: JsonObject, keys: readonly string[]): void => {
    for (const [key, child] of Object.entries(node)) {
      if (!isJsonObject(child)) continue;
      if (key === "__compat") features.set(keys.join("."), child);
      else walk(child, [...keys, key]);
    }
  };
  walk(tree, []);
  return features;
}

/** Samples the same `count` paths of both releases, evenly spread so that every kind of change stays among them. */
export function sampleReleases(
  older: FeatureByPath,
  newer: FeatureByPath,
  count: number,
): { older: FeatureByPath; newer: FeatureByPath } {
  const paths = [...new Set([...older.keys(), ...newer.keys()])].sort();
  const step = Math.max(1, paths.length / count);
  const chosen = new Set(
    paths.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step)),
  );
  const choose = (features: FeatureByPath): FeatureByPath =>
    new Map([...features].filter(([path]) => chosen.has(path)));
  return { older: choose(older), newer: choose(newer) };
}
