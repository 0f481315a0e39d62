import { DOCUMENT_DEPTH_MAX, isJsonObject, isTooLarge, type Json } from "@syncline/shared/document";
import { CONFLICT_STRATEGIES, type ResolveAnswer } from "@syncline/shared/merge";
import type { DocumentId } from "@syncline/shared/protocol";
import { z } from "zod";

/** Longest question that a hook may ask a person, in characters. */
const QUESTION_CHARS_MAX = 1_000;

/** A question may quote a document cut in the middle of a character. */
const questionSchema = z
  .string()
  .min(1)
  .max(QUESTION_CHARS_MAX)
  .transform((text) => text.toWellFormed())
  .refine(isText);

const answerSchema = z.union([
  z.undefined(),
  z.strictObject({ document: z.unknown() }).refine(({ document }) => document !== undefined),
  z.strictObject({ use: z.enum(CONFLICT_STRATEGIES).exclude(["report"]) }),
  z.strictObject({ ask: questionSchema }),
]);

/**
 * Checks a hook's answer, which may be any value.
 * @returns `null` for an invalid answer, or a document that no device could have sent
 */
export function checkAnswer(answer: unknown, documentId: DocumentId): { answer: ResolveAnswer } | null {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) return null;
  if (parsed.data === undefined || !("document" in parsed.data)) return { answer: parsed.data };
  const { document } = parsed.data;
  if (document === null) return { answer: { document } };
  if (!isJson(document, 1) || !isJsonObject(document)) return null;
  if (document["id"] !== undefined && document["id"] !== documentId) return null;
  if (isTooLarge(document)) return null;
  return { answer: { document } };
}

/** Reports whether JSON and Postgres return a value unchanged. */
function isJson(value: unknown, depth: number): value is Json {
  if (value === null || typeof value === "boolean") return true;
  if (typeof value === "string") return isText(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > DOCUMENT_DEPTH_MAX) return false;
  if (Array.isArray(value)) return Array.from(value).every((item) => isJson(item, depth + 1));
  const entries = Object.entries(value);
  return isPlain(value) && entries.every(([key, inner]) => isKey(key) && isJson(inner, depth + 1));
}

function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function isKey(key: string): boolean {
  return isText(key) && key !== "__proto__";
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
