import type { AbuseCase } from "../case.ts";
import { HELD_WORKSPACES } from "./held-workspaces.ts";
import { COSTLY_BATCHES } from "./costly-batches.ts";
import { COSTLY_BODIES } from "./costly-bodies.ts";
import { HELD_REQUESTS } from "./held-requests.ts";

/** All cases, in the order of their runs. */
export const ABUSE_CASES: readonly AbuseCase[] = [
  ...COSTLY_BATCHES,
  ...COSTLY_BODIES,
  ...HELD_REQUESTS,
  HELD_WORKSPACES,
];
