import { hash } from "node:crypto";
import { canonicalJson, type Json } from "@syncline/shared";

/** A digest that is equal where contents are, whatever the order of their keys. Absent parts count as `null`. */
export function fingerprint(content: readonly (Json | undefined)[]): string {
  return hash("sha256", canonicalJson(content.map((part) => part ?? null)), "base64url");
}
