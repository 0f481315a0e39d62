import { ERROR_CODES, SynclineError } from "@syncline/shared/protocol";
import { createCounter } from "@syncline/kit/telemetry";

/** Counts jobs that failed and are retried, by error code. */
export function createRetryCounter(work: "drain" | "merge" | "retention"): (error: unknown) => void {
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
