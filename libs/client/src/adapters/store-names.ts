import type { StoreName } from "../ports/index.ts";

// A record, so that a new store does not compile until it is named here.
const NAMES: Record<StoreName, true> = {
  documents: true,
  index: true,
  outbox: true,
  outcomes: true,
  meta: true,
  blobs: true,
};

export const STORE_NAMES = Object.keys(NAMES) as StoreName[];
