import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, it } from "vitest";

/** Bundles an entry for a browser, minified, and returns its size in bytes after gzip. */
async function sizeOf(code: string): Promise<number> {
  const entry = "virtual:entry";
  const built = await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["@syncline/source", "module", "browser"] },
    plugins: [
      {
        name: "entry",
        enforce: "pre",
        resolveId: (id) => (id === entry ? `\0${entry}` : undefined),
        load: (id) => (id === `\0${entry}` ? code : undefined),
      },
    ],
    build: {
      write: false,
      minify: true,
      rolldownOptions: { input: entry, preserveEntrySignatures: "strict" },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !("output" in output)) throw new Error("no bundle was built");
  const chunks = output.output.flatMap((part) => (part.type === "chunk" ? [part.code] : []));
  return gzipSync(chunks.join("")).length;
}

it.each([
  ["a merge patch", `export { applyMergePatch } from "@syncline/shared/document";`, 4_000],
  ["operations without Yjs", `export * from "@syncline/shared/effects";`, 5_000],
  ["the client's requests", `export * from "@syncline/client/protocol";`, 3 * 1_024],
  [
    "the client, with its requests and without merges",
    `export { createClient, collection } from "@syncline/client";`,
    33_700,
  ],
  ["the merge engine without Yjs and texts", `export * from "@syncline/shared/merge";`, 10_000],
])("%s takes a browser few bytes", async (_, code, bytesMax) => {
  const bytes = await sizeOf(code);
  expect(bytes).toBeGreaterThan(100);
  expect(bytes).toBeLessThan(bytesMax);
});

it.each([
  ["IndexedDB", "@syncline/client/indexeddb"],
  ["SQLite", "@syncline/client/sqlite"],
  ["encryption", "@syncline/client/encryption"],
])("the storage by %s adds little to the client, which has the errors already", async (_, path) => {
  const core = `export { SynclineClientError } from "@syncline/client";`;
  const [before, after] = [await sizeOf(core), await sizeOf(`${core} export * from "${path}";`)];
  expect(after - before).toBeGreaterThan(1_000);
  expect(after - before).toBeLessThan(3 * 1_024);
});
