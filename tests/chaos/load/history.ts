import type { BatchResult } from "@syncline/shared/protocol";
import type { Attempt } from "../../support/device.ts";

/** A request that has ended. */
interface Ended {
  what: Attempt["what"];
  sentAtMs: number;
  endedAtMs: number;
  /** `refused` if no server listened, so that no request was sent; `undefined` if the connection broke. */
  status: number | "refused" | undefined;
}

/** A batch that a device has sent, or a request that results in one, with all its requests and their outcome. */
export interface SentBatch {
  workspaceId: string;
  deviceId: string;
  clientIds: readonly string[];
  firstSentAtMs: number;
  attempts: Ended[];
  /** The time of its final answer. */
  finalAtMs?: number;
  status?: number;
  results?: BatchResult["results"];
}

/** A violated guarantee, and the time when it was noticed. */
export interface Violation {
  kind: "lost" | "doubled" | "wrong";
  what: string;
  /** The time when the operation in question was first sent; otherwise the time of the notice. */
  atMs: number;
}

/** All requests and answers of the devices in a run, and all violations. */
export class History {
  readonly batches: SentBatch[] = [];
  readonly violations: Violation[] = [];
  /** The times at which Redis lost its data. */
  readonly dataLossesAtMs: number[] = [];
  readonly #open = new Set<SentBatch>();

  begin(sent: Pick<SentBatch, "workspaceId" | "deviceId" | "clientIds">): SentBatch {
    const batch: SentBatch = { ...sent, firstSentAtMs: Date.now(), attempts: [] };
    this.batches.push(batch);
    this.#open.add(batch);
    return batch;
  }

  /** The number of operations that were sent and have no final answer yet. */
  get operationsInFlight(): number {
    let operations = 0;
    for (const { clientIds } of this.#open) operations += clientIds.length;
    return operations;
  }

  /** True if every operation first sent before that time has its final answer. */
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
    // A failing server breaks the connection or answers 503; 502 if the request needs the conflict service.
    const expected = what === "send" ? [200, 202, 409, 503] : [200, 404, 503];
    if ("choice" in body) expected.push(502);
    if (status !== undefined && !expected.includes(status)) {
      this.violate("wrong", `a ${what} was answered ${status}: ${JSON.stringify(answer?.body)}`, batch);
    }
    // Only a data loss of Redis excuses a 404 after a 202.
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

  /** Counts requests that ended between two times without a usable answer. */
  failedRequests(fromMs: number, toMs: number): number {
    let failed = 0;
    for (const { attempts } of this.batches)
      for (const { endedAtMs, status } of attempts)
        if (endedAtMs >= fromMs && endedAtMs <= toMs && hasFailed(status)) failed += 1;
    return failed;
  }

  /**
   * Counts operations of unknown fate between two times: the connection broke, the answer was 5xx, or a 202 was
   * followed by 404.
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

  /** The longest period between two times in which no device got a final answer. */
  longestStillnessMs(fromMs: number, toMs: number): number {
    const finals = this.batches
      .map(({ finalAtMs }) => finalAtMs ?? 0)
      .filter((atMs) => atMs > fromMs && atMs < toMs)
      .toSorted((a, b) => a - b);
    const times = [fromMs, ...finals, toMs];
    return Math.max(...times.map((atMs, index) => atMs - (times[index - 1] ?? atMs)));
  }

  /** The longest wait of a device for a final answer that came between two times. */
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
