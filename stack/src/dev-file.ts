import { rmSync } from "node:fs";
import { join } from "node:path";
import { writePrivateJson } from "./home.ts";

/** The URLs and processes of a running stack, for programs. The file exists while the stack is ready. */
export interface DevFile {
  readonly ingestUrl: string;
  readonly conflictUrl: string;
  readonly token: string;
  readonly workspaceId: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** `null` for a store that was given by its URL and is not ours. */
  readonly pids: {
    readonly supervisor: number;
    readonly postgres: number | null;
    readonly redis: number | null;
    readonly ingest: number | null;
    readonly conflict: number | null;
    readonly workers: readonly (number | null)[];
  };
}

/** Writes `dev.json`. The file contains secrets, so only its owner may read it. */
export function writeDevFile(home: string, content: DevFile): void {
  writePrivateJson(devFilePath(home), content);
}

/** Removes `dev.json`. */
export function removeDevFile(home: string): void {
  rmSync(devFilePath(home), { force: true });
}

/** The path of `dev.json`. */
export function devFilePath(home: string): string {
  return join(home, "dev.json");
}
