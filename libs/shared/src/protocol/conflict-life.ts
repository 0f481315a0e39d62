import { assertInvariant } from "../errors/syncline-error.ts";
import { CONFLICT_STATUSES, type ConflictStatus } from "./conflict-status.ts";

/** The events in a conflict's life. The descriptions are the heads of rows in docs/conflicts.md. */
export const CONFLICT_EVENTS = {
  opened: "an operation conflicts, or operations are left over from a merged run",
  reported: "an operation conflicts with `report`, or in a group without a strategy",
  merged_at_once: "an operation in a group conflicts, and is merged by the drain",
  joined: "the device sends one more operation on the document",
  moved: "a round ends, but the document has moved since",
  merged: "a round ends, and its merge is committed",
  parked: "a round ends, and leaves the conflict to a person",
  decided: "a person decides",
} as const;
export type ConflictEvent = keyof typeof CONFLICT_EVENTS;

/**
 * The effect of an event: the record's next status, or none. `ignored`: a repeated or late result has no effect;
 * `refused`: the sender is answered with an error; `impossible`: only a bug can cause it.
 */
export type ConflictReaction = ConflictStatus | "ignored" | "refused" | "impossible";

/** A conflict's life: the effect of every event in every status, and without a record (`none`). */
export const CONFLICT_LIFE: Readonly<
  Record<ConflictStatus | "none", Readonly<Record<ConflictEvent, ConflictReaction>>>
> = {
  none: {
    opened: "open",
    reported: "reported",
    merged_at_once: "resolved",
    joined: "impossible",
    moved: "ignored",
    merged: "ignored",
    parked: "ignored",
    decided: "refused",
  },
  open: {
    opened: "impossible",
    reported: "impossible",
    merged_at_once: "impossible",
    joined: "open",
    moved: "open",
    merged: "resolved",
    parked: "parked",
    decided: "refused",
  },
  parked: {
    opened: "impossible",
    reported: "impossible",
    merged_at_once: "impossible",
    joined: "parked",
    moved: "ignored",
    merged: "ignored",
    parked: "ignored",
    decided: "resolved",
  },
  reported: {
    opened: "impossible",
    reported: "impossible",
    merged_at_once: "impossible",
    joined: "reported",
    moved: "ignored",
    merged: "ignored",
    parked: "ignored",
    decided: "resolved",
  },
  resolved: {
    opened: "impossible",
    reported: "impossible",
    merged_at_once: "impossible",
    // An operation that the device sent before it received the report that a person has resolved since.
    joined: "resolved",
    moved: "ignored",
    merged: "ignored",
    parked: "ignored",
    decided: "resolved",
  },
};

/** Returns a record's status after an event. Every write of a record goes through it. */
export function statusAfter(status: ConflictStatus | "none", event: ConflictEvent): ConflictStatus {
  const reaction = CONFLICT_LIFE[status][event];
  const next = CONFLICT_STATUSES.find((known) => known === reaction);
  assertInvariant(next !== undefined, `a conflict that is ${status} was written because of ${event}`);
  return next;
}

/** Returns whether an event changes a record of a status. */
export function accepts(status: ConflictStatus | "none", event: ConflictEvent): boolean {
  return CONFLICT_STATUSES.some((known) => known === CONFLICT_LIFE[status][event]);
}
