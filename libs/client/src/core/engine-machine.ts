import type { Machine } from "./machine.ts";

/** `offline`: the last attempt had no answer; `failed`: a protocol or storage error. */
export type EngineState =
  "stopped" | "opening" | "idle" | "syncing" | "offline" | "failed" | "paused" | "signedOut";

/** The ends of an attempt (`synced`, `noAnswer`, `broken`, `unauthorized`) and the reasons for the next one. */
export type EngineEvent =
  | "open"
  | "opened"
  | "attempt"
  | "synced"
  | "noAnswer"
  | "broken"
  | "unauthorized"
  | "pause"
  | "resume"
  | "stop";

const STOPS = { pause: "paused", stop: "stopped" } as const;

/** The engine of a workspace. An attempt that ends after a pause or a stop changes nothing. */
export const ENGINE_MACHINE: Machine<EngineState, EngineEvent> = {
  stopped: {
    open: "opening",
    opened: "stopped",
    attempt: null,
    synced: "stopped",
    noAnswer: "stopped",
    broken: "stopped",
    unauthorized: "stopped",
    pause: "stopped",
    resume: "stopped",
    stop: "stopped",
  },
  opening: {
    open: null,
    opened: "idle",
    attempt: null,
    synced: null,
    noAnswer: null,
    broken: "failed",
    unauthorized: "signedOut",
    resume: "opening",
    ...STOPS,
  },
  idle: {
    open: null,
    opened: null,
    attempt: "syncing",
    synced: null,
    noAnswer: "offline",
    broken: "failed",
    unauthorized: "signedOut",
    resume: "idle",
    ...STOPS,
  },
  syncing: {
    open: null,
    opened: null,
    attempt: null,
    synced: "idle",
    noAnswer: "offline",
    broken: "failed",
    unauthorized: "signedOut",
    resume: "syncing",
    ...STOPS,
  },
  offline: {
    open: null,
    opened: null,
    attempt: "syncing",
    synced: null,
    noAnswer: "offline",
    broken: "failed",
    unauthorized: "signedOut",
    resume: "offline",
    ...STOPS,
  },
  failed: {
    open: null,
    opened: null,
    attempt: "syncing",
    synced: null,
    noAnswer: "failed",
    broken: "failed",
    unauthorized: "signedOut",
    resume: "failed",
    ...STOPS,
  },
  paused: {
    open: null,
    opened: "paused",
    attempt: null,
    synced: "paused",
    noAnswer: "paused",
    broken: "paused",
    unauthorized: "paused",
    resume: "idle",
    ...STOPS,
  },
  signedOut: {
    open: null,
    opened: "signedOut",
    attempt: "syncing",
    synced: null,
    noAnswer: "signedOut",
    broken: "signedOut",
    unauthorized: "signedOut",
    resume: "signedOut",
    ...STOPS,
  },
};
