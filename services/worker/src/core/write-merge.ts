import { jsonEqual } from "@syncline/shared";
import type { ChangeDraft, DraftedWrite, WindowDraft } from "./window-draft.ts";

/** Writes what a merge came to as a change of its own; nothing where the document is that already. */
export function writeMerge(
  draft: WindowDraft,
  write: DraftedWrite,
): { change: ChangeDraft | null; version: number } {
  const current = draft.document(write.workspaceId, write.collection, write.documentId);
  draft.endFold(write);
  if (write.operations === 0 || jsonEqual(current?.data ?? null, write.data)) {
    return { change: null, version: current?.version ?? 0 };
  }
  const written = draft.write(write);
  draft.endFold(write);
  return written;
}
