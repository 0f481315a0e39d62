import { hash } from "node:crypto";
import { canonicalJson, type Json } from "@syncline/shared/document";

/** Returns a digest that is equal for equal contents, regardless of the order of keys. Absent parts count as `null`. */
export function fingerprint(content: readonly (Json | undefined)[]): string {
  return hash("sha256", canonicalJson(content.map((part) => part ?? null)), "base64url");
}
