import type { Machine } from "./machine.ts";

/** `none`: no document was read; `live`: the event stream is open; `polling`: it is not, and pages are asked for. */
export type PullPhase = "none" | "snapshot" | "catchingUp" | "live" | "polling";

/** `gone`: 410; `caughtUp`: the feed has no more; `forgotten`: signed out, or access lost. */
export type PullEvent =
  "start" | "snapshotRead" | "caughtUp" | "streamOpen" | "streamLost" | "gone" | "forgotten";

/** The way from no documents to following the feed. */
export const PULL_MACHINE: Machine<PullPhase, PullEvent> = {
  none: {
    start: "snapshot",
    snapshotRead: null,
    caughtUp: null,
    streamOpen: null,
    streamLost: "none",
    gone: "snapshot",
    forgotten: "none",
  },
  snapshot: {
    start: "snapshot",
    snapshotRead: "catchingUp",
    caughtUp: null,
    streamOpen: null,
    streamLost: "snapshot",
    gone: "snapshot",
    forgotten: "none",
  },
  catchingUp: {
    start: "catchingUp",
    snapshotRead: null,
    caughtUp: "polling",
    streamOpen: "catchingUp",
    streamLost: "catchingUp",
    gone: "snapshot",
    forgotten: "none",
  },
  polling: {
    start: "polling",
    snapshotRead: null,
    caughtUp: "polling",
    streamOpen: "live",
    streamLost: "polling",
    gone: "snapshot",
    forgotten: "none",
  },
  live: {
    start: "live",
    snapshotRead: null,
    caughtUp: "live",
    streamOpen: "live",
    streamLost: "polling",
    gone: "snapshot",
    forgotten: "none",
  },
};
