import { extname } from "node:path";
import { Problem } from "@syncline/shared/protocol";
import { Tinypool } from "tinypool";
import type { DecisionBody } from "../core/decision-batch.ts";
import type { PreparedBatch } from "../core/prepare-batch.ts";
import { Turns } from "../core/turns.ts";
import { prepareBody, type AcceptanceFacts, type BodyOutcome, type BodyTask } from "./body-thread.ts";

/**
 * Largest body that is prepared on the thread that answers requests, in bytes; this costs less than sending it to
 * another thread. The slowest bodies of this size take a few milliseconds, those of 10 MiB seconds.
 */
export const INLINE_BYTES_MAX = 64 * 1024;

const THREAD = new URL(`./body-thread${extname(import.meta.url)}`, import.meta.url);

/** Does the work that takes time in proportion to a body: for large ones outside the thread that answers requests. */
export interface PrepareBodies {
  /** @throws {@link Problem} `not-json`, `too-large` or `invalid-field` */
  batch(body: Uint8Array, facts: AcceptanceFacts): Promise<PreparedBatch>;
  /** @throws {@link Problem} `not-json`, `too-large` or `invalid-field` */
  decision(body: Uint8Array, subject: string): Promise<DecisionBody>;
  close(): Promise<void>;
}

/** @param options - `threads`: the number of large bodies prepared at once; subjects take turns */
export function createPrepareBodies({ threads }: { threads: number }): PrepareBodies {
  const pool = new Tinypool({ filename: THREAD, minThreads: threads, maxThreads: threads });
  const turns = new Turns(threads);

  async function prepare(task: BodyTask, subject: string): Promise<BodyOutcome> {
    if (task.body.length <= INLINE_BYTES_MAX) return prepareBody(task);
    return turns.run(subject, async () => {
      const { buffer } = task.body;
      return (await pool.run(task, { transferList: [buffer as ArrayBuffer] })) as BodyOutcome;
    });
  }

  return {
    async batch(body, facts) {
      const outcome = await prepare({ kind: "batch", body, facts }, facts.subject);
      if (outcome.kind === "batch") return outcome.batch;
      throw problemOf(outcome);
    },
    async decision(body, subject) {
      const outcome = await prepare({ kind: "decision", body }, subject);
      if (outcome.kind === "decision") return outcome.decision;
      throw problemOf(outcome);
    },
    close: () => pool.destroy(),
  };
}

function problemOf(outcome: BodyOutcome): Error {
  if (outcome.kind === "problem") return new Problem(outcome.type, outcome.details);
  return new Error(`a body was prepared as a ${outcome.kind}`);
}
