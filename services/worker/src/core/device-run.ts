import { assertInvariant, type AcceptedOperation, type ClientId } from "@syncline/shared/protocol";
import { risenTo } from "@syncline/shared/operations";
import type { HeldRow, NewlyHeld } from "./window-state.ts";

/** An operation of a device's run behind a conflict: a stored row, or a new one. */
export type Held = HeldRow | NewlyHeld;

/** A device's run behind a conflict. */
export interface RunDraft {
  /** The number of stored rows before those in `held`: adding to a run does not require reading it. */
  unread: number;
  held: Held[];
}

/** The client id of a held operation. */
export function clientIdOf(held: Held): ClientId {
  return "batchId" in held ? held.operation.clientId : held.clientId;
}

export function contentOf(held: Held): AcceptedOperation {
  const operation = "batchId" in held ? held.operation : held.content;
  assertInvariant(operation !== null, "the content of a run was not read");
  return operation;
}

/** The approximate size of held operations, in bytes of JSON. */
export function bytesOf(run: readonly Held[]): number {
  return run.reduce(
    (sum, held) => sum + ("batchId" in held ? JSON.stringify(held.operation).length : held.bytes),
    0,
  );
}

/** The newest version that a device had received once it made an operation, given that before it. */
export function risenBy(seen: number | null, held: Held): number | null {
  if ("batchId" in held) return risenTo(seen, held.operation);
  return held.risesTo === null ? seen : Math.max(seen ?? 0, held.risesTo);
}
