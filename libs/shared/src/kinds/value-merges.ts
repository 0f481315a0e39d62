import type { ValueMerges } from "../merge/merge-value.ts";
import { mergeText } from "./merge-text.ts";
import { mergeVersion } from "./merge-version.ts";

/** The merges of texts and version strings. */
export const VALUE_MERGES = { text: mergeText, version: mergeVersion } satisfies ValueMerges;
