import { fieldProblem, type WorkspaceId } from "@syncline/shared/protocol";
import { readQuery } from "@syncline/kit/http";
import type { RequestHandler } from "express";
import { z } from "zod";
import { placeTextSchema, readCursor, writeCursor } from "../core/cursor.ts";
import { operationBody, type OperationListing } from "../core/operation-life.ts";
import { LISTED_STATUSES, type PgOperations } from "../io/pg-operations.ts";
import { limitParameter } from "./parameters.ts";

export const operationsQuerySchema = z.object({
  status: z.enum(LISTED_STATUSES),
  before: z.string().optional().describe("The `next` of the previous page"),
  limit: limitParameter({ most: 500, default: 100 }),
});

const placeSchema = z.tuple([z.number().int(), placeTextSchema, placeTextSchema]);

/** `GET …/operations?status=&before=&limit=` lists the workspace's operations that failed or wait, newest first. */
export function createListOperations(operations: PgOperations): RequestHandler<{ workspaceId: WorkspaceId }> {
  return async (request, response) => {
    const { workspaceId } = request.params;
    const { status, before, limit } = readQuery(operationsQuerySchema, request);
    const found = await operations.list(workspaceId, {
      status,
      before: before === undefined ? undefined : readListingCursor(before),
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const more = found.length > limit;
    response.json({
      operations: page.map(({ operation }) => operationBody(operation)),
      next: more && last !== undefined ? writeCursor(last.cursor) : null,
      more,
    });
  };
}

function readListingCursor(cursor: string): OperationListing["cursor"] {
  const parsed = placeSchema.safeParse(readCursor(cursor));
  if (parsed.success) return parsed.data;
  throw fieldProblem({ path: ["before"], message: "must be the next of a previous page" }, null);
}
