import { expect, it } from "vitest";
import type {
  BatchId,
  ClientId,
  CollectionName,
  ConflictId,
  DeviceId,
  DocumentId,
  Seq,
  Version,
  WorkspaceId,
} from "./ids.ts";

const read = (on: { workspaceId: WorkspaceId; collection: CollectionName; documentId: DocumentId }) => on;

// The checks are the compiler's: each error that is expected and does not come fails the type check.
it("of two kinds do not compile in each other's place", () => {
  const [workspace, collection, document]: [WorkspaceId, CollectionName, DocumentId] = ["w", "c", "d"];
  const [device, client, batch, conflict]: [DeviceId, ClientId, BatchId, ConflictId] = ["d", "c", "b", "k"];
  const [seq, version]: [Seq, Version] = [1, 2];
  read({ workspaceId: workspace, collection, documentId: document });
  // @ts-expect-error a document's id is no workspace's
  read({ workspaceId: document, collection, documentId: document });
  // @ts-expect-error swapped
  read({ workspaceId: workspace, collection: document, documentId: collection });
  // @ts-expect-error a client id is no device's
  const devices: DeviceId[] = [client];
  // @ts-expect-error a conflict's id is no batch's
  const batches: BatchId[] = [batch, conflict];
  // @ts-expect-error a position in the feed is no version
  const versions: Version[] = [version, seq];
  expect([devices, batches, versions, device]).toHaveLength(4);
});

interface Ids {
  workspace: WorkspaceId;
  device: DeviceId;
  client: ClientId;
  collection: CollectionName;
  document: DocumentId;
  batch: BatchId;
  conflict: ConflictId;
  seq: Seq;
  version: Version;
}
/** All pairs of kinds of which one would compile in place of the other. */
type Swappable = {
  [A in keyof Ids]: {
    [B in Exclude<keyof Ids, A>]: Ids[A] extends Ids[B] ? `${A} as ${B}` : never;
  }[Exclude<keyof Ids, A>];
}[keyof Ids];

it("of any two kinds do not compile in each other's place", () => {
  const swappable: Swappable[] = [];
  const none: never[] = swappable;
  expect(none).toEqual([]);
});

it("take text from outside as it is, and are numbers for arithmetic", () => {
  const outside: string = "w";
  const workspace: WorkspaceId = outside;
  const version: Version = 1;
  const next: Version = version + 1;
  expect([workspace, next]).toEqual(["w", 2]);
});
