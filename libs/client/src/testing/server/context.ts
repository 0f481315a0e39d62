import type { Policies } from "@syncline/shared/merge";
import type { WorkspaceId } from "@syncline/shared/protocol";
import type { Clock } from "../../ports/index.ts";
import type { Lanes } from "./lanes.ts";
import type { ServerState } from "./server-state.ts";

/** The parts of the server that its routes share. */
export interface ServerContext extends Clock {
  state: ServerState;
  lanes: Lanes;
  policies: Policies;
  newId: () => string;
  /** Calls `call` after each commit to a workspace, until the returned function is called. */
  watch: (workspaceId: WorkspaceId, call: () => void) => () => void;
}
