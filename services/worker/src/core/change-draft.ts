import type { DocumentData } from "@syncline/shared/document";
import type { EditTime, EditTimes } from "@syncline/shared/merge";
import {
  joinPlaces,
  joinTimes,
  sharePlaces,
  timesOfEdit,
  WHOLE,
  type ItemPolicy,
  type Places,
} from "@syncline/shared/operations";
import type { CollectionName, DeviceId, DocumentId, Version, WorkspaceId } from "@syncline/shared/protocol";

export type TimesAt = (time: EditTime) => EditTimes;

/** A change being planned: its seq is known once the whole window is planned. */
export interface ChangeDraft {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  firstVersion: number;
  version: Version;
  data: DocumentData | null;
  /** The document that a deletion ended, if no other change contains it. */
  ended: DocumentData | null;
  deviceId: DeviceId;
  deviceDeclared: boolean;
  clientTimestampMs: number | null;
  /** The times of its edits, by place; `null`: all that differ from {@link before}, at {@link clientTimestampMs}. */
  editTimes: EditTimes | null;
  /** Tells the times of its edits, by place, if it contains one operation that was no merge. */
  timesAt: TimesAt | null;
  /** The places that its operations may edit; all, unless it contains only operations that share no place. */
  places: Places;
  /** The document before the change. */
  before: DocumentData | null;
  /** The group it belongs to: a fold never crosses a group's edge. */
  unit: string | undefined;
}

/** Returns the one change that a device's change and its next one on the same document fold into. */
export function foldChanges(previous: ChangeDraft, next: ChangeDraft, policy: ItemPolicy): ChangeDraft {
  return {
    ...next,
    firstVersion: previous.firstVersion,
    ended: next.data === null ? previous.data : null,
    timesAt: null,
    before: previous.before,
    ...timesOfFold(previous, next, policy),
  };
}

/**
 * The times of a fold's edits, by place. Without any time they are left to its documents, which show each place that was
 * edited, unless an operation may have changed back what an earlier one did.
 */
function timesOfFold(
  first: ChangeDraft,
  next: ChangeDraft,
  policy: ItemPolicy,
): Pick<ChangeDraft, "editTimes" | "places"> {
  const isTimed = [first, next].some(
    ({ editTimes, clientTimestampMs }) => editTimes !== null || clientTimestampMs !== null,
  );
  // A document that appears or disappears counts as a whole.
  const isWhole = (first.before === null) !== (next.data === null);
  if (isTimed || (!isWhole && sharePlaces(first.places, next.places))) {
    const editTimes = joinTimes(timesOf(first, policy), timesOf(next, policy));
    return { editTimes, places: WHOLE };
  }
  return { editTimes: null, places: joinPlaces(first.places, next.places) };
}

function timesOf(
  { editTimes, timesAt, before, data, clientTimestampMs: time }: ChangeDraft,
  policy: ItemPolicy,
): EditTimes {
  if (editTimes !== null) return editTimes;
  return timesAt?.(time) ?? timesOfEdit(before?.value ?? null, data?.value ?? null, time, policy);
}
