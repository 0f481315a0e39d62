import { v7 as uuidv7 } from "uuid";
import { Problem, type ProblemDetails, type ProblemType } from "@syncline/shared/protocol";
import type { Acceptance } from "../core/accept-batch.ts";
import type { DecisionBody } from "../core/decision-batch.ts";
import { prepareBatch, type PreparedBatch } from "../core/prepare-batch.ts";
import { prepareDecision } from "../core/prepare-decision.ts";
import { fingerprint } from "./fingerprint.ts";

/** The part of an {@link Acceptance} that can be sent to a thread. */
export type AcceptanceFacts = Omit<Acceptance, "newId" | "fingerprint">;

/** A body for a thread to prepare. */
export type BodyTask =
  { kind: "batch"; body: Uint8Array; facts: AcceptanceFacts } | { kind: "decision"; body: Uint8Array };

/** A prepared body, or the problem with it: errors lose their class between threads. */
export type BodyOutcome =
  | { kind: "batch"; batch: PreparedBatch }
  | { kind: "decision"; decision: DecisionBody }
  | { kind: "problem"; type: ProblemType; details: ProblemDetails };

/** Prepares a body. Threads run this, and the main thread does for small bodies. */
export function prepareBody(task: BodyTask): BodyOutcome {
  try {
    return task.kind === "batch"
      ? { kind: "batch", batch: prepareBatch(task.body, { ...task.facts, newId: uuidv7, fingerprint }) }
      : { kind: "decision", decision: prepareDecision(task.body) };
  } catch (error) {
    if (error instanceof Problem) return { kind: "problem", type: error.type, details: error.details };
    throw error;
  }
}

/** Runs in the thread pool. The JSON text is returned as bytes, which are cheaper to copy between threads. */
export default function prepareInThread(task: BodyTask): BodyOutcome {
  const outcome = prepareBody(task);
  if (outcome.kind !== "batch" || typeof outcome.batch.json !== "string") return outcome;
  return { ...outcome, batch: { ...outcome.batch, json: new TextEncoder().encode(outcome.batch.json) } };
}
