import type { Preset, SyncSettings } from "../public/options.ts";

const INTERACTIVE: SyncSettings = {
  windowMs: 67,
  windowMsMax: 250,
  live: "stream",
  pollMs: 60_000,
  groups: "merge",
  backoffMsMin: 1_000,
  backoffMsMax: 5 * 60_000,
  durability: "strict",
  maxRetries: 3,
  batchOperationsMax: 100,
  batchBytesMax: 1024 * 1024,
  requestTimeoutMs: 45_000,
};

/** The settings of each preset. */
export const PRESETS: Readonly<Record<Preset, SyncSettings>> = {
  interactive: INTERACTIVE,
  pointOfSale: {
    ...INTERACTIVE,
    windowMs: 0,
    windowMsMax: 0,
    groups: "report",
    backoffMsMin: 500,
    backoffMsMax: 30_000,
    maxRetries: 5,
  },
  background: {
    ...INTERACTIVE,
    windowMs: 5_000,
    windowMsMax: 30_000,
    live: "poll",
    backoffMsMin: 30_000,
    backoffMsMax: 30 * 60_000,
    durability: "relaxed",
  },
  careful: {
    ...INTERACTIVE,
    groups: "report",
    backoffMsMin: 2_000,
    backoffMsMax: 10 * 60_000,
    maxRetries: 2,
  },
};
