import type { Json } from "./json.ts";

/** One step of a JSON Patch (RFC 6902). Paths are JSON Pointers (RFC 6901). */
export type JsonPatchStep =
  | { op: "add" | "replace" | "test"; path: string; value: Json }
  | { op: "remove"; path: string }
  | { op: "move" | "copy"; from: string; path: string };
