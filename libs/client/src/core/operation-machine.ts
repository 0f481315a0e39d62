import type { Machine } from "./machine.ts";

/**
 * `queued`: not sent; `sent`: frozen, and without a final answer; `acked`: applied, and not yet part of the base;
 * `parked`: waits for a person; `gone`: no longer in the outbox.
 */
export type OperationState = "queued" | "sent" | "acked" | "parked" | "gone";

/**
 * `foldedAway`: another operation of the document took its content; `unanswered`: lost, 5xx, 429, 401, pending;
 * `refused`: an answer that ends it; `askAgain`: it may have been decided; `confirmed`: the base has passed its `seq`;
 * `historyChanged`: another epoch, whose server may not know the answer; `ended`: by the device itself.
 */
export type OperationEvent =
  | "freeze"
  | "foldedAway"
  | "unanswered"
  | "success"
  | "parked"
  | "refused"
  | "askAgain"
  | "confirmed"
  | "historyChanged"
  | "cancel"
  | "ended";

/** The life of an operation. */
export const OPERATION_MACHINE: Machine<OperationState, OperationEvent> = {
  queued: {
    freeze: "sent",
    foldedAway: "gone",
    unanswered: null,
    success: null,
    parked: null,
    refused: null,
    askAgain: null,
    confirmed: null,
    historyChanged: "queued",
    cancel: "gone",
    ended: "gone",
  },
  sent: {
    freeze: null,
    foldedAway: null,
    unanswered: "sent",
    success: "acked",
    parked: "parked",
    refused: "gone",
    askAgain: "sent",
    confirmed: null,
    historyChanged: "sent",
    cancel: null,
    ended: "gone",
  },
  acked: {
    freeze: null,
    foldedAway: null,
    unanswered: null,
    success: null,
    parked: null,
    refused: null,
    askAgain: null,
    confirmed: "gone",
    historyChanged: "sent",
    cancel: null,
    ended: "gone",
  },
  parked: {
    freeze: null,
    foldedAway: null,
    unanswered: null,
    success: null,
    parked: null,
    refused: null,
    askAgain: "sent",
    confirmed: null,
    historyChanged: "sent",
    cancel: null,
    ended: "gone",
  },
  gone: {
    freeze: null,
    foldedAway: null,
    unanswered: null,
    success: null,
    parked: null,
    refused: null,
    askAgain: null,
    confirmed: null,
    historyChanged: null,
    cancel: null,
    ended: null,
  },
};
