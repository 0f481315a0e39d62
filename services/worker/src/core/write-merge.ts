import { jsonEqual } from "@syncline/shared";
import type { ChangeDraft, DraftedWrite, WindowDraft } from "./window-draft.ts";

/**
 * Writes what a merge came to as a change of its own; nothing where the document is that already. It holds what both sides
 * wrote, so it is as new as the newer of them: an older write that comes later must not win over either.
 */
export function writeMerge(
  draft: WindowDraft,
  write: DraftedWrite,
): { change: ChangeDraft | null; version: number } {
  const current = draft.document(write.workspaceId, write.collection, write.documentId);
  draft.endFold(write);
  if (write.operations === 0 || jsonEqual(current?.data ?? null, write.data)) {
    return { change: null, version: current?.version ?? 0 };
  }
  const clientTimestampMs = newest(write.clientTimestampMs, current?.clientTimestampMs ?? null);
  const written = draft.write({ ...write, clientTimestampMs });
  draft.endFold(write);
  return written;
}

function newest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
