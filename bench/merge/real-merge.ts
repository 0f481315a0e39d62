import { gunzipSync } from "node:zlib";
import type { JsonObject } from "../../libs/shared/src/document/json.ts";

/** A merge made by people: its three input documents and their committed result. */
export interface RealMerge {
  readonly id: string;
  readonly base: JsonObject;
  readonly remote: JsonObject;
  readonly local: JsonObject;
  readonly merged: JsonObject;
}

/** Reads gzipped NDJSON, one merge a line. */
export function readMerges(file: Uint8Array): RealMerge[] {
  const lines = gunzipSync(file).toString("utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as RealMerge);
}
