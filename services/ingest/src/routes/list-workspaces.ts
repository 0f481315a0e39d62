import { identityOf } from "@syncline/kit/http";
import type { WorkspacesBody } from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import type { PgFeed } from "../io/pg-feed.ts";

/** `GET /api/v1/workspaces` lists the workspaces of the token. */
export function createListWorkspaces(deps: {
  feed: Pick<PgFeed, "readEnds">;
  epoch: string;
}): RequestHandler {
  const { feed, epoch } = deps;
  return async (_request, response) => {
    const { roleByWorkspace } = identityOf(response);
    const ends = await feed.readEnds([...roleByWorkspace.keys()]);
    const seqById = new Map<string, number>(ends.map(({ workspaceId, seq }) => [workspaceId, seq]));
    const body: WorkspacesBody = {
      workspaces: [...roleByWorkspace].map(([workspaceId, role]) => ({
        workspace_id: workspaceId,
        role,
        epoch,
        seq: seqById.get(workspaceId) ?? 0,
      })),
    };
    response.json(body);
  };
}
