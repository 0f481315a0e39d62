import type { JsonObject } from "@syncline/shared/document";
import { mergeThreeWay } from "@syncline/shared/merge";
import type { RebaseInput } from "../public/options.ts";

/**
 * Predicts a document by the server's own merge of what the edits were made on, what others made of it, and the edits
 * (R2). Use it if arrays or texts are edited together. It knows neither the hooks nor the field rules of a server's
 * policy. If the device no longer has the document that the edits were made on, they are replayed.
 */
export function threeWay({ base, anchor, replay }: RebaseInput): JsonObject | null {
  if (anchor == null || anchor === base) return replay(base);
  const local = replay(anchor);
  const { document, error } = mergeThreeWay({ ancestor: anchor, remote: base, local });
  return error === undefined ? document : replay(base);
}
