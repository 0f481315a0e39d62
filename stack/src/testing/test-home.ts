import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHome } from "../home.ts";
import { removeOutsideData } from "../local-postgres.ts";
import { endRecordedProcesses } from "../process-records.ts";
import { REPOSITORY } from "../repository.ts";

/** Creates a folder for a run of tests, which is removed after this process, with every process recorded there. */
export function makeTestHome(): string {
  const home = mkdtempSync(join(tmpdir(), "syncline-test-"));
  chmodSync(home, 0o755); // Postgres may run as another user and reaches its data through here
  const reaper = spawn(
    process.execPath,
    [
      "--conditions=@syncline/source",
      "--disable-warning=ExperimentalWarning",
      "stack/src/testing/reaper.ts",
      home,
    ],
    { cwd: REPOSITORY, detached: true, stdio: ["pipe", "ignore", "ignore"] },
  );
  // Its pipe stays open as long as this process lives; neither keeps this process alive.
  reaper.unref();
  if (reaper.stdin !== null && "unref" in reaper.stdin) (reaper.stdin as { unref: () => void }).unref();
  return home;
}

/** Ends the processes recorded in such a folder and removes the folder. */
export async function removeTestHome(home: string): Promise<void> {
  if (!existsSync(home)) return;
  await endRecordedProcesses(home);
  removeOutsideData(openHome(home));
  rmSync(home, { recursive: true, force: true });
}
