import type { BatchResult } from "@syncline/shared";
import type { Attempt } from "../../support/device.ts";

/** A request that has ended. */
interface Ended {
  what: Attempt["what"];
  sentAtMs: number;
  endedAtMs: number;
  /** `refused` where nobody listened, so that nothing was sent; `undefined` where the connection broke. */
  status: number | "refused" | undefined;
}

/** A batch that a device has sent, or what it has asked for that becomes one, every request that it took, and what came of it. */
export interface SentBatch {
  workspaceId: string;
  deviceId: string;
  clientIds: readonly string[];
  firstSentAtMs: number;
  attempts: Ended[];
  /** When it had its final answer. */
  finalAtMs?: number;
  status?: number;
  results?: BatchResult["results"];
}

/** Something that must not be, and when it was seen. */
export interface Violation {
  kind: "lost" | "doubled" | "wrong";
  what: string;
  /** When the operation at fault was first sent; else when it was seen. */
  atMs: number;
}

/** Everything that devices have sent and were answered in a run, and everything that was wrong. */
export class History {
  readonly batches: SentBatch[] = [];
  readonly violations: Violation[] = [];
  /** When Redis has lost its data. */
  readonly dataLossesAtMs: number[] = [];
  readonly #open = new Set<SentBatch>();

  begin(sent: Pick<SentBatch, "workspaceId" | "deviceId" | "clientIds">): SentBatch {
    const batch: SentBatch = { ...sent, firstSentAtMs: Date.now(), attempts: [] };
    this.batches.push(batch);
    this.#open.add(batch);
    return batch;
  }

  /** How many operations were sent and have no final answer yet. */
  get operationsInFlight(): number {
    let operations = 0;
    for (const { clientIds } of this.#open) operations += clientIds.length;
    return operations;
  }

  /** Whether everything that was first sent before that time has its final answer. */
  isSettledTo(atMs: number): boolean {
    return [...this.#open].every(({ firstSentAtMs }) => firstSentAtMs > atMs);
  }

  note(batch: SentBatch, { what, batch: body, sentAtMs, endedAtMs, answer, broken }: Attempt): void {
    const status = answer?.status;
    batch.attempts.push({
      what,
      sentAtMs,
      endedAtMs,
      status: status ?? (wasRefused(broken) ? "refused" : undefined),
    });
    // A server that is ill breaks the connection, or answers 503; 502 where it takes the conflict service to answer.
    const expected = what === "send" ? [200, 202, 409, 503] : [200, 404, 503];
    if ("choice" in body) expected.push(502);
    if (status !== undefined && !expected.includes(status)) {
      this.violate("wrong", `a ${what} was answered ${status}: ${JSON.stringify(answer?.body)}`, batch);
    }
    // Nothing but Redis' own loss excuses a 404 of what was answered 202.
    if (status === 404 && !this.dataLossesAtMs.some((atMs) => atMs >= batch.firstSentAtMs)) {
      this.violate("lost", "a batch was answered 202, and then 404", batch);
    }
  }

  end(batch: SentBatch, status: number, results: BatchResult["results"]): void {
    Object.assign(batch, { finalAtMs: Date.now(), status, results });
    this.#open.delete(batch);
  }

  violate(kind: Violation["kind"], what: string, batch?: SentBatch): void {
    this.violations.push({
      kind,
      what: batch === undefined ? what : `${batch.workspaceId} ${batch.deviceId}: ${what}`,
      atMs: batch?.firstSentAtMs ?? Date.now(),
    });
  }

  /** Requests that ended between two times with nothing that a client could go by. */
  failedRequests(fromMs: number, toMs: number): number {
    let failed = 0;
    for (const { attempts } of this.batches)
      for (const { endedAtMs, status } of attempts)
        if (endedAtMs >= fromMs && endedAtMs <= toMs && hasFailed(status)) failed += 1;
    return failed;
  }

  /**
   * Operations of which, between two times, a client could not know what had become: the connection broke, the answer was
   * 5xx, or what had been answered 202 was 404.
   */
  operationsInDoubt(fromMs: number, toMs: number): number {
    let operations = 0;
    for (const { attempts, clientIds } of this.batches) {
      const inDoubt = attempts.some(
        ({ what, endedAtMs, status }) =>
          endedAtMs >= fromMs &&
          endedAtMs <= toMs &&
          (what === "send" ? status !== "refused" && hasFailed(status) : status === 404),
      );
      if (inDoubt) operations += clientIds.length;
    }
    return operations;
  }

  /** The longest time between two times in which no device had a final answer. */
  longestStillnessMs(fromMs: number, toMs: number): number {
    const finals = this.batches
      .map(({ finalAtMs }) => finalAtMs ?? 0)
      .filter((atMs) => atMs > fromMs && atMs < toMs)
      .toSorted((a, b) => a - b);
    const times = [fromMs, ...finals, toMs];
    return Math.max(...times.map((atMs, index) => atMs - (times[index - 1] ?? atMs)));
  }

  /** The longest that a device waited for a final answer that came between two times. */
  longestWaitMs(fromMs: number, toMs: number): number {
    let longest = 0;
    for (const { firstSentAtMs, finalAtMs } of this.batches) {
      if (finalAtMs !== undefined && finalAtMs >= fromMs && finalAtMs <= toMs)
        longest = Math.max(longest, finalAtMs - firstSentAtMs);
    }
    return longest;
  }
}

function hasFailed(status: Ended["status"]): boolean {
  return typeof status !== "number" || status >= 500;
}

function wasRefused(broken: unknown): boolean {
  const cause = broken instanceof Error ? broken.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
