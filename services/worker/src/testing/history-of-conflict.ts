import { versionsOf, type RunHistory } from "@syncline/shared/operations";
import type { AcceptedOperation } from "@syncline/shared/protocol";
import type { ConflictWrite } from "../core/window-plan.ts";
import type { VersionKey } from "../core/window-state.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** The part of a document's history that the merge of a conflict's run depends on. */
export function historyOfConflict(
  tables: MemoryTables,
  conflict: ConflictWrite,
  operations: readonly AcceptedOperation[],
): RunHistory {
  const { workspaceId, collection, documentId, baseVersion, deviceView = null } = conflict;
  const deviceId = conflict.deviceDeclared ? conflict.deviceId : null;
  const { currentVersion: seenUntil } = conflict;
  const versions = versionsOf({ baseVersion, operations });
  const since = baseVersion ?? versions[0];
  const place = { workspaceId, collection, documentId, deviceId, seenUntil };
  const changeSeen = (seen: VersionKey) => {
    const { version } = seen;
    const historic = tables.atVersion(seen);
    return historic === null
      ? []
      : [{ ...historic, firstVersion: version, version, timestampMs: null, own: false }];
  };
  return {
    ...(deviceView === null
      ? { changes: versions.flatMap((version) => changeSeen({ ...place, version })), lastOwnVersion: 0 }
      : tables.runHistory(place, conflict.deviceId)),
    ...(since !== undefined && { edits: tables.editsSince({ ...place, since }) }),
  };
}
