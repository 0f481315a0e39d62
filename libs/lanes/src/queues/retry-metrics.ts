import { ERROR_CODES, SynclineError } from "@syncline/shared/protocol";
import { createCounter } from "@syncline/kit/telemetry";

/** The work of a job. The drain of a deferred workspace is apart, because its failures delay only that workspace. */
export type Work = "drain" | "deferred_drain" | "merge" | "retention";

/** Counts jobs that failed and are retried, by error code. */
export function createRetryCounter(work: Work): (error: unknown) => void {
  const attributesByCode = new Map(
    [...Object.keys(ERROR_CODES), "_OTHER"].map((code) => [
      code,
      { "syncline.work": work, "error.type": code },
    ]),
  );
  const retries = createCounter(
    "syncline.retries",
    "Jobs that failed and are retried, by error code",
    "{retry}",
    [...attributesByCode.values()],
  );
  return (error) => {
    const code = error instanceof SynclineError ? error.code : "_OTHER";
    retries.add(1, attributesByCode.get(code));
  };
}
