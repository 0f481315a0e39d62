import { DocumentData, jsonEqual, type JsonObject } from "@syncline/shared/document";
import { newestTime, type EditTimes } from "@syncline/shared/merge";
import { timesAtPlaces, timesOfEdit } from "@syncline/shared/operations";
import type { Version } from "@syncline/shared/protocol";
import type { ChangeDraft } from "./change-draft.ts";
import type { DraftedWrite } from "./documents-draft.ts";
import type { WindowDraft } from "./window-draft.ts";

/** The outcome of a merge. */
interface MergeWrite extends Omit<DraftedWrite, "data" | "ended" | "timesAt" | "editTimes"> {
  data: JsonObject | null;
  /** The document that a merged run edited, and then deleted. */
  ended?: JsonObject | null;
  times?: EditTimes | undefined;
}

/**
 * Writes the outcome of a merge as a change of its own, unless the document already equals it. Each place that the
 * change edits gets the time of its newest edit in the merged operations, so that it neither claims a newer time
 * nor loses one.
 *
 * @param times - the newest edits of the merged operations
 */
export function writeMerge(
  { documents }: WindowDraft,
  { times, data, ended = null, ...write }: MergeWrite,
): { change: ChangeDraft | null; version: Version } {
  const current = documents.find(write.workspaceId, write.collection, write.documentId);
  const before = current?.data?.value ?? null;
  documents.endFold(write);
  if (write.operations === 0 || jsonEqual(before, data)) {
    return { change: null, version: current?.version ?? 0 };
  }
  const clientTimestampMs = newest(write.clientTimestampMs, current?.clientTimestampMs ?? null);
  const edited = timesOfEdit(before, data, write.clientTimestampMs, write.policy);
  const editTimes = timesAtPlaces(times ?? { anywhere: write.clientTimestampMs }, edited);
  const isTimed = newestTime(editTimes) !== null || clientTimestampMs !== null;
  const written = documents.write({
    ...write,
    data: DocumentData.of(data),
    ended: DocumentData.of(ended),
    clientTimestampMs,
    editTimes: isTimed ? editTimes : null,
  });
  documents.endFold(write);
  return written;
}

function newest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
