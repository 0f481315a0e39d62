import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "@syncline/shared";

/** A digest that is equal where contents are, whatever the order of their keys. Absent parts count as `null`. */
export function fingerprint(content: unknown): string {
  const text = canonicalJson(JSON.parse(JSON.stringify(content)) as Json);
  return createHash("sha256").update(text).digest("base64url");
}
