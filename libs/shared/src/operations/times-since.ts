import type { Version } from "../ids/ids.ts";
import type { JsonObject } from "../document/json.ts";
import { joinTimes, timesOfEdit, withoutPlaces, type ItemPolicy } from "./times-of-edit.ts";
import { newerTime, newestTime, type EditTimes } from "../merge/edit-times.ts";

/** A change of a document, with the fields that the times of its edits depend on. */
export interface TimedChange {
  firstVersion: number;
  version: Version;
  /** `null` for a deletion, or if it was left out. */
  data: JsonObject | null;
  /** True if the change's document was not read: there were too many, or they were too large. */
  leftOut: boolean;
  /**
   * The times of its edits, by place; `null`: all places that differ from the change before, at {@link
   * timestampMs}.
   */
  editTimes: EditTimes | null;
  timestampMs: number | null;
  /** True if the device whose edits are merged wrote it. */
  own: boolean;
}

/** The changes of a document from the version that a device saw to the current one. */
export interface DocumentEdits {
  /** The version that the device saw; 0: no document. */
  seenVersion: number;
  /** Changes from the one that holds that version on, ascending, as far as history has them. */
  changes: readonly TimedChange[];
}

/**
 * Returns the times at which others edited the places of a document since a device saw it. The device's own writes
 * are not edits of others, and a place that it overwrote has no earlier edits. For changes whose documents are
 * unknown only the newest time is known: each may have edited any place. Pure.
 */
export function timesSince({ seenVersion, changes }: DocumentEdits, policy: ItemPolicy = {}): EditTimes {
  let times: EditTimes = {};
  let version = seenVersion;
  let isKnown = seenVersion === 0;
  let before: JsonObject | null = null;
  for (const change of changes) {
    const isSeen = change.version <= seenVersion;
    isKnown &&= change.firstVersion <= version + 1;
    if (isKnown && !isSeen && !change.leftOut) {
      const edited = change.editTimes ?? timesOfEdit(before, change.data, change.timestampMs, policy);
      times = change.own ? withoutPlaces(times, edited) : joinTimes(times, edited);
    } else if (!isSeen && !change.own) {
      const newest = change.editTimes === null ? change.timestampMs : newestTime(change.editTimes);
      times = { ...times, anywhere: newerTime(times.anywhere, newest) ?? null };
    }
    isKnown = !change.leftOut;
    before = change.data;
    version = change.version;
  }
  return times;
}

/**
 * Returns the times at which others edited the places of a document after one version that a device has received,
 * up to another. Returns no times if the version is unknown, or the edits were not read.
 */
export function timesBetween(
  { edits }: { edits?: DocumentEdits | undefined },
  from: number | null,
  policy: ItemPolicy,
  to = Number.MAX_SAFE_INTEGER,
): { times?: EditTimes } {
  if (edits === undefined || from === null) return {};
  const holding = edits.changes.find(({ firstVersion, version }) => firstVersion <= from && from <= version);
  const seenVersion = Math.max(edits.seenVersion, holding?.version ?? from);
  const changes = edits.changes.filter(({ firstVersion }) => firstVersion <= to);
  return { times: timesSince({ seenVersion, changes }, policy) };
}
