import { type MergePolicy } from "@syncline/shared/merge";
import { type DocumentEdits, type RemoteDocument, timesBetween } from "@syncline/shared/operations";
import type { WindowDraft } from "./window-draft.ts";
import type { ConflictWrite } from "./window-plan.ts";

type Conflicting = Pick<
  ConflictWrite,
  "workspaceId" | "collection" | "documentId" | "deviceId" | "deviceDeclared" | "strategy"
>;

/**
 * The changes of a document since a version that its device saw, if the conflict's strategy needs their times.
 *
 * @param seen - `seenUntil`: the document's version when the device collided with it; `null`: the current one
 */
export function editsOf(
  draft: WindowDraft,
  { workspaceId, collection, documentId, deviceId: by, deviceDeclared, strategy }: Conflicting,
  { since, seenUntil }: { since: number | null; seenUntil: number | null },
): DocumentEdits | undefined {
  if (strategy !== "last-write-wins" || since === null) return undefined;
  const deviceId = deviceDeclared ? by : null;
  return draft.past.editsSince({ workspaceId, collection, documentId, since, deviceId, seenUntil });
}

/** The current document in the window that a device's operations are merged with, with the times of its edits. */
export function remoteOf(
  draft: WindowDraft,
  { workspaceId, collection, documentId }: Conflicting,
  { edits, seenVersion }: { edits: DocumentEdits | undefined; seenVersion: number | null },
  policy: MergePolicy,
): RemoteDocument {
  const current = draft.documents.find(workspaceId, collection, documentId);
  const remote = { data: current?.data?.value ?? null, timestampMs: current?.clientTimestampMs ?? null };
  return { ...remote, ...timesBetween({ edits }, seenVersion, policy) };
}
