import type { Json } from "../json/json.ts";
import { canonicalJson } from "./canonical-json.ts";

/** An array with a token for each item; equal tokens mean equal items, across all arrays of one merge. */
export interface TokenizedItems {
  readonly items: readonly Json[];
  readonly tokens: readonly number[];
}

export type TokenizeItems = (items: readonly Json[]) => TokenizedItems;

/** Makes the function that tokenizes the arrays of one merge. */
export function createTokenizer(): TokenizeItems {
  const tokenByText = new Map<string, number>();
  // Most items read the same in all documents, and their text as it is costs a fraction of the canonical one.
  const tokenByRawText = new Map<string, number>();
  const tokenize = (item: Json): number => {
    const rawText = JSON.stringify(item);
    const known = tokenByRawText.get(rawText);
    if (known !== undefined) return known;
    const text = canonicalJson(item);
    const token = tokenByText.get(text) ?? tokenByText.size;
    tokenByText.set(text, token);
    tokenByRawText.set(rawText, token);
    return token;
  };
  return (items) => ({ items, tokens: items.map(tokenize) });
}
