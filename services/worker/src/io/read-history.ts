import { mapInSlices } from "@syncline/kit/process";
import type { JsonObject } from "@syncline/shared/document";
import type {
  DocumentEdits,
  HistoricChange,
  HistoricDocument,
  TimedChange,
} from "@syncline/shared/operations";
import { camelRow, type Pool } from "@syncline/store";
import {
  historyKey,
  type EditsKey,
  type Historic,
  type HistoryKey,
  type RiseKey,
  type VersionKey,
  type ViewKey,
} from "../core/window-state.ts";
import { withData } from "./document-rows.ts";
import { sendPipelined, type Call, type Row } from "./send-pipelined.ts";
import { statement } from "./sql.ts";

const READ_HISTORY = statement("read-history");
const READ_VIEWS = statement("read-views");
const READ_EDITS = statement("read-edits");
const READ_RISES = statement("read-rises");

/** The most bytes of documents from which the times of edits are computed. */
const EDITS_BYTES_MAX = 4 * 1024 * 1024;

/** Reads documents as they were, and `null` for those no longer known, by their {@link historyKey}. */
export async function readHistory(
  pool: Pool,
  places: readonly HistoryKey[],
  bytesMax = Number.MAX_SAFE_INTEGER,
): Promise<Map<string, Historic>> {
  const versions = places.filter((place) => "version" in place);
  const views = places.filter((place) => "view" in place);
  const edits = places.filter((place) => "since" in place);
  const rises = places.filter((place) => "from" in place);
  const calls = {
    documents: [
      ...(versions.length === 0 ? [] : [versionsCall(versions, bytesMax)]),
      ...(views.length === 0 ? [] : [viewsCall(views, bytesMax)]),
    ],
    edits: edits.length === 0 ? [] : [editsCall(edits)],
    rises: rises.length === 0 ? [] : [risesCall(rises, bytesMax)],
  };
  const rows = await sendPipelined(pool, [...calls.documents, ...calls.edits, ...calls.rises]);
  const documents = rows.splice(0, calls.documents.length).flat();
  const editRows = rows.splice(0, calls.edits.length).flat();
  return new Map<string, Historic>([
    ...places.map((place): [string, null] => [historyKey(place), null]),
    ...risesOf(rises, rows.flat()),
    ...editsOf(edits, editRows),
    ...(await mapInSlices(documents, (row): [string, HistoricDocument] => {
      const { data, deleted, ...place } = camelRow<HistoryKey & HistoricDocument>(withData(row));
      return [historyKey(place), { data, deleted }];
    })),
  ]);
}

function versionsCall(versions: readonly VersionKey[], bytesMax: number): Call {
  return [
    READ_HISTORY,
    [
      versions.map(({ workspaceId }) => workspaceId),
      versions.map(({ collection }) => collection),
      versions.map(({ documentId }) => documentId),
      versions.map(({ version }) => version),
      versions.map(({ deviceId }) => deviceId),
      bytesMax,
    ],
  ];
}

function viewsCall(views: readonly ViewKey[], bytesMax: number): Call {
  return [
    READ_VIEWS,
    [
      views.map(({ workspaceId }) => workspaceId),
      views.map(({ conflictId }) => conflictId),
      views.map(({ view }) => view),
      bytesMax,
    ],
  ];
}

function editsCall(edits: readonly EditsKey[]): Call {
  return [
    READ_EDITS,
    [
      edits.map(({ workspaceId }) => workspaceId),
      edits.map(({ collection }) => collection),
      edits.map(({ documentId }) => documentId),
      edits.map(({ since }) => since),
      edits.map(({ deviceId }) => deviceId),
      edits.map(({ seenUntil }) => seenUntil),
      EDITS_BYTES_MAX,
    ],
  ];
}

function risesCall(rises: readonly RiseKey[], bytesMax: number): Call {
  return [
    READ_RISES,
    [
      rises.map(({ workspaceId }) => workspaceId),
      rises.map(({ collection }) => collection),
      rises.map(({ documentId }) => documentId),
      rises.map(({ deviceId }) => deviceId),
      rises.map(({ from }) => from),
      rises.map(({ to }) => to),
      bytesMax,
    ],
  ];
}

/** A row without a version has only the device's last one. */
type RiseRow = (HistoricChange & { lastOwnVersion: number }) | { version: null; lastOwnVersion: number };

function risesOf(rises: readonly RiseKey[], rows: readonly Row[]): [string, Historic][] {
  const rowsByPlace = Map.groupBy(rows.map(withData), (row) => Number(row["place"]));
  return rises.map((place, index) => {
    const found = (rowsByPlace.get(index + 1) ?? []).map((row) => camelRow<RiseRow>(row));
    const changes = found.filter((row) => row.version !== null);
    return [historyKey(place), { changes, lastOwnVersion: found[0]?.lastOwnVersion ?? 0 }];
  });
}

function editsOf(edits: readonly EditsKey[], rows: readonly Row[]): [string, DocumentEdits][] {
  const rowsByPlace = Map.groupBy(rows, (row) => Number(row["place"]));
  return edits.map((place, index) => {
    const ofPlace = rowsByPlace.get(index + 1) ?? [];
    const changes = ofPlace.map((row): TimedChange => {
      const { data, ...change } = camelRow<Omit<TimedChange, "data"> & { data: string | null }>(row);
      return { ...change, data: data === null ? null : (JSON.parse(data) as JsonObject) };
    });
    return [historyKey(place), { seenVersion: Number(ofPlace[0]?.["seen_version"] ?? place.since), changes }];
  });
}
