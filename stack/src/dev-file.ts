import { rmSync } from "node:fs";
import { join } from "node:path";
import { writePrivateJson } from "./home.ts";

/** Where a running stack is, for programs. It is there while the stack is ready, and gone when it was stopped. */
export interface DevFile {
  readonly ingestUrl: string;
  readonly conflictUrl: string;
  readonly token: string;
  readonly workspaceId: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** `null` for a store that was given by its address and is not ours. */
  readonly pids: {
    readonly supervisor: number;
    readonly postgres: number | null;
    readonly redis: number | null;
    readonly ingest: number | null;
    readonly conflict: number | null;
    readonly workers: readonly (number | null)[];
  };
}

/** Writes `dev.json`. It holds secrets, so only its owner may read it. */
export function writeDevFile(home: string, content: DevFile): void {
  writePrivateJson(devFilePath(home), content);
}

/** Removes `dev.json`. */
export function removeDevFile(home: string): void {
  rmSync(devFilePath(home), { force: true });
}

/** Where `dev.json` is. */
export function devFilePath(home: string): string {
  return join(home, "dev.json");
}
