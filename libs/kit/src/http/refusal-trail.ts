import type { Logger } from "../telemetry/log.ts";

/** The number of lines for one client in a window; more would let one client fill the log. */
export const LINES_MAX = 10;
export const WINDOW_MS = 60_000;
/** The number of clients counted separately in a window; the others are counted together. */
export const CLIENTS_MAX = 1_000;
const OTHERS = "others";

/** A refusal as the audit log shows it. The client is `subject`, or `from` if there is none. */
export interface RefusalLine {
  requestId: string;
  subject: string | undefined;
  from: string | undefined;
  method: string;
  path: string;
  reason: string;
}

/**
 * Writes refusals to the audit log, a limited number for each client. The number of suppressed ones is written when the
 * window ends.
 */
export function createRefusalTrail(audit: Pick<Logger, "info">): (line: RefusalLine) => void {
  const countByClient = new Map<string, number>();

  function endWindow(): void {
    for (const [client, count] of countByClient) {
      if (count > LINES_MAX)
        audit.info({ client, suppressed: count - LINES_MAX }, "further requests refused");
    }
    countByClient.clear();
  }

  return (line) => {
    const named = line.subject ?? line.from ?? "";
    const client = countByClient.has(named) || countByClient.size < CLIENTS_MAX ? named : OTHERS;
    if (countByClient.size === 0) setTimeout(endWindow, WINDOW_MS).unref();
    const count = (countByClient.get(client) ?? 0) + 1;
    countByClient.set(client, count);
    if (count <= LINES_MAX) audit.info(line, "request refused");
  };
}
