import type { ClientId, CollectionName, DocumentId, Seq, Version, WorkspaceId } from "../ids/ids.ts";
import type { JsonObject } from "../document/json.ts";
import type { OperationResult } from "./result.ts";
import type { Role } from "./role.ts";

/** A document as `GET …/documents/{collection}/{id}` answers it. */
export interface DocumentBody {
  workspace_id: string;
  collection: CollectionName;
  document_id: string;
  version: Version;
  seq: Seq;
  data: JsonObject;
  /** RFC 3339. */
  updated_at: string;
}

/** One committed change, as the feed shows it. */
export interface ChangeBody {
  seq: Seq;
  collection: CollectionName;
  document_id: string;
  version: Version;
  deleted: boolean;
  /** `null` for a tombstone. */
  data: JsonObject | null;
  device_id: string | null;
  /** RFC 3339. */
  committed_at: string;
  /** The operations of the reading device that the change settled; only if the reader names its device. */
  client_ids?: ClientId[];
}

/** A page of the feed; `next` is the `since` of the next page. */
export interface ChangesBody {
  epoch: string;
  changes: ChangeBody[];
  next: number;
  more: boolean;
  /** The operations of the reading device that were settled; only if the reader names its device. */
  settled?: OperationResult[];
  /** The `settled_since` of the next page: a revision of the workspace. */
  settled_next?: number;
}

/** The page of the feed that the answer to a batch carries, if the batch asks for one. */
export interface BatchFeed {
  feed?: ChangesBody;
  /** The problem instead of the page if the feed cannot be read from the position: the feed would answer with it. */
  feed_problem?: Record<string, unknown>;
}

/** One change of a document, as its history shows it: it holds the versions `first_version` to `version`. */
export interface HistoryChangeBody extends Omit<ChangeBody, "client_ids"> {
  first_version: number;
  /** The document that a deletion ended, if the change also holds the edit that made it. */
  ended?: JsonObject | undefined;
}

/** A page of a document's history, newest first; `next` is the `before` of the next page. */
export interface HistoryBody {
  changes: HistoryChangeBody[];
  next: number | null;
  more: boolean;
}

/** The first line of a snapshot. `seq` was read before any row; the feed continues from it. */
export interface SnapshotHead {
  epoch: string;
  seq: Seq;
  /** The number of documents, in the first page; absent if there are too many to count. */
  count?: number;
}

/** A page of a collection's documents; `next` is the `after` of the next page. */
export interface DocumentsBody {
  documents: DocumentBody[];
  next: DocumentId | null;
  more: boolean;
}

/** The workspaces of a token. `seq` is 0 before the first commit. */
export interface WorkspacesBody {
  workspaces: { workspace_id: WorkspaceId; role: Role; epoch: string; seq: Seq }[];
}

/** The last line of a page of a snapshot; `next` is the `after` of the next page. */
export interface SnapshotTail {
  next: string | null;
  seq: Seq;
  /** Set if the page ended early because the token expired; the snapshot continues at `next`. */
  ended?: "token_expired";
}
