import type { JsonObject } from "../json/json.ts";

/** A document as `GET …/documents/{collection}/{id}` answers it. */
export interface DocumentBody {
  workspace_id: string;
  collection: string;
  document_id: string;
  version: number;
  seq: number;
  data: JsonObject;
  /** RFC 3339. */
  updated_at: string;
}

/** One committed change, as the feed shows it. */
export interface ChangeBody {
  seq: number;
  collection: string;
  document_id: string;
  version: number;
  deleted: boolean;
  /** `null` for a tombstone. */
  data: JsonObject | null;
  device_id: string | null;
  /** RFC 3339. */
  committed_at: string;
}

/** A page of the feed; `next` is the `since` of the page after it. */
export interface ChangesBody {
  epoch: string;
  changes: ChangeBody[];
  next: number;
  more: boolean;
}
