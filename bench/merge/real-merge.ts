import { gunzipSync } from "node:zlib";
import type { JsonObject } from "../../libs/shared/src/json/json.ts";

/** A merge that people made: the three documents that it began with, and what they committed. */
export interface RealMerge {
  readonly id: string;
  readonly base: JsonObject;
  readonly remote: JsonObject;
  readonly local: JsonObject;
  readonly merged: JsonObject;
}

/** Reads gzipped NDJSON, a merge a line. */
export function readMerges(file: Uint8Array): RealMerge[] {
  const lines = gunzipSync(file).toString("utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as RealMerge);
}
