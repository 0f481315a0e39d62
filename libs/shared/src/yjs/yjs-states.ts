import type { YjsStates } from "../effects/fold-operations.ts";
import { keepYjsStates } from "./keep-yjs-states.ts";
import { mergeYjsStates } from "./merge-yjs-states.ts";

/** The handling of Yjs states, for a fold of operations. */
export const YJS_STATES: YjsStates = { keep: keepYjsStates, merge: mergeYjsStates };
