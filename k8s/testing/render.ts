import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { findKustomize } from "./find-kustomize.ts";

/** The folder of all manifests. */
export const MANIFESTS = fileURLToPath(new URL("..", import.meta.url));

/** A rendered object. check-schema.ts checks it against its kind's schema. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Renders a kustomization, as `kubectl apply -k` would. */
export function render(overlay: string, folder = MANIFESTS): Manifest[] {
  const [command, ...args] = findKustomize();
  const text = execFileSync(command, [...args, join(folder, overlay)], { encoding: "utf8" });
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}
