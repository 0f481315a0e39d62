import type { Logger } from "../log.ts";

/** So many lines are written for one client within a window; whoever sends more would fill the log with them. */
export const LINES_MAX = 10;
export const WINDOW_MS = 60_000;
/** Clients told apart within a window; those beyond are counted together. */
export const CLIENTS_MAX = 1_000;
const OTHERS = "others";

/** A refusal as the audit log shows it; `subject`, or else `from`, is the client. */
export interface RefusalLine {
  requestId: string;
  subject: string | undefined;
  from: string | undefined;
  method: string;
  path: string;
  reason: string;
}

/**
 * Writes refusals to the audit log, a bounded number of each client. Those that are left out are counted, and the count
 * is written when the window ends.
 */
export function createRefusalTrail(audit: Pick<Logger, "info">): (line: RefusalLine) => void {
  const countByClient = new Map<string, number>();

  function endWindow(): void {
    for (const [client, count] of countByClient) {
      if (count > LINES_MAX) audit.info({ client, suppressed: count - LINES_MAX }, "refused more requests");
    }
    countByClient.clear();
  }

  return (line) => {
    const named = line.subject ?? line.from ?? "";
    const client = countByClient.has(named) || countByClient.size < CLIENTS_MAX ? named : OTHERS;
    if (countByClient.size === 0) setTimeout(endWindow, WINDOW_MS).unref();
    const count = (countByClient.get(client) ?? 0) + 1;
    countByClient.set(client, count);
    if (count <= LINES_MAX) audit.info(line, "refused a request");
  };
}
