import { WHOLE, type Places } from "../document/json-text.ts";
import { isJsonObject, type Json } from "../document/json.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import type { OperationEffect } from "../effects/apply-effect.ts";

/**
 * Returns the places of a document on which an operation depends: all others may be left unread. If the operation replaces a
 * value as a whole, they are the Yjs states with which it is merged.
 */
export function placesOf({ data = {}, patch }: Pick<OperationEffect, "data" | "patch">): Places {
  return patch === undefined ? placesIn(data) : placesOfPatch(patch);
}

function placesIn(value: Json): Places {
  if (Array.isArray(value)) return WHOLE;
  return new Map(
    isJsonObject(value) ? Object.entries(value).map(([key, inner]) => [key, placesIn(inner)]) : [],
  );
}

type Node = Map<string, Node | typeof WHOLE>;

function placesOfPatch(patch: readonly JsonPatchStep[]): Places {
  // The empty pointer names the whole value, as a member of this.
  const root: Node = new Map();
  // A patch must not change it.
  add(root, "/id", false);
  for (const step of patch) {
    const isScalar = "value" in step && (typeof step.value !== "object" || step.value === null);
    add(root, step.path, step.op !== "remove" && !isScalar);
    if ("from" in step) add(root, step.from, true);
  }
  return root.get("") ?? root;
}

/** Adds a place, with its whole value if that is read. */
function add(root: Node, pointer: string, whole: boolean): void {
  const keys = pointer.split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  let node = root;
  for (const [index, key] of keys.entries()) {
    const inner = node.get(key);
    if (inner === WHOLE) return;
    if (whole && index === keys.length - 1) {
      node.set(key, WHOLE);
      return;
    }
    const next: Node = inner ?? new Map();
    node.set(key, next);
    node = next;
  }
}
