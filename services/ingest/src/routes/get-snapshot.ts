import { gone, goneAt } from "../core/gone.ts";
import { openBody, readQuery } from "@syncline/kit/http";
import type { Logger } from "@syncline/kit/telemetry";
import {
  fieldProblem,
  type DocumentBody,
  type SnapshotHead,
  type SnapshotTail,
  type Seq,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import type { RequestHandler } from "express";
import { z } from "zod";
import { placeTextSchema, readCursor, writeCursor } from "../core/cursor.ts";
import type { DocumentKey, PgFeed } from "../io/pg-feed.ts";
import { endSoon, writeDrained } from "../io/write-drained.ts";
import type { OpenStreamOf } from "./open-stream.ts";
import { collectionsParameter, limitParameter } from "./parameters.ts";

/** Limit on the documents read at once; the next ones are read when the client has received these. */
const READ_DOCUMENTS_MAX = 100;

export const snapshotQuerySchema = z.object({
  after: z.string().optional().describe("The `next` of the previous page"),
  collections: collectionsParameter,
  limit: limitParameter({ most: 10_000, default: 1_000 }),
});

/** A position before every document, because no id is empty. */
const BEFORE_ALL: DocumentKey = { collection: "", documentId: "" };

/** A cursor: epoch, workspace id, pinned seq, collection and document id to start after. */
const cursorSchema = z.tuple([z.string(), z.string(), z.int().min(0), placeTextSchema, placeTextSchema]);

interface Deps {
  feed: PgFeed;
  openStream: OpenStreamOf;
  epoch: string;
  log: Logger;
}

/**
 * `GET …/snapshot?after=CURSOR&limit=N` returns every live document as NDJSON. The seq is read before the first row of
 * the first page and pinned for the whole snapshot. A row therefore holds every change up to that seq, and perhaps
 * later ones, which come again in the feed from that seq on.
 */
export function createGetSnapshot(deps: Deps): RequestHandler<{ workspaceId: WorkspaceId }> {
  const { feed, openStream, epoch, log } = deps;

  return async (request, response) => {
    const { workspaceId } = request.params;
    const { after, limit, collections } = readQuery(snapshotQuerySchema, request);
    const cursor = after === undefined ? undefined : readPlace(after, workspaceId);
    if (cursor !== undefined && cursor.epoch !== epoch) {
      throw gone("epoch-changed", workspaceId);
    }
    const [ends] = await feed.readEnds([workspaceId]);
    const seq = cursor?.seq ?? ends?.seq ?? 0;
    const lost = goneAt(seq, { from: ends?.feedFrom ?? 0, to: ends?.seq ?? 0 });
    if (lost !== undefined) throw gone(lost, workspaceId);

    const head = { "content-type": "application/x-ndjson", "cache-control": "no-store" };
    if (request.method === "HEAD") {
      response.set(head).end();
      return;
    }
    const stream = openStream(response);
    response.set(head);
    const body = openBody(response);
    const writeLine = (line: SnapshotHead | DocumentBody | SnapshotTail) =>
      writeDrained(body, `${JSON.stringify(line)}\n`, stream.signal);
    let place = cursor?.place ?? BEFORE_ALL;
    const next = () => writeCursor([epoch, workspaceId, seq, place.collection, place.documentId]);
    try {
      const count = cursor === undefined ? await feed.countDocuments(workspaceId, collections) : undefined;
      await writeLine({ epoch, seq, ...(count !== undefined && { count }) });
      let left = limit;
      let more = true;
      while (left > 0 && more) {
        const page = await feed.readDocuments(workspaceId, {
          after: place,
          limit: Math.min(left, READ_DOCUMENTS_MAX),
          collections,
        });
        for (const document of page.documents) {
          stream.signal.throwIfAborted();
          // The position advances before the write: a started write is sent even if the stream ends before the client
          // has received it.
          place = { collection: document.collection, documentId: document.document_id };
          await writeLine(document);
        }
        left -= page.documents.length;
        more = page.more;
      }
      await writeLine({ next: more ? next() : null, seq });
      endSoon(body);
    } catch (error) {
      if (stream.endedBy === "token_expired") {
        const tail: SnapshotTail = { next: next(), seq, ended: "token_expired" };
        body.write(`${JSON.stringify(tail)}\n`);
        endSoon(body);
        return;
      }
      // A page without its last line is incomplete: the client notices and requests the page again.
      if (!stream.signal.aborted) log.warn({ err: error, workspaceId }, "a snapshot ended early");
      body.destroy();
    } finally {
      stream.end();
    }
  };
}

function readPlace(
  cursor: string,
  workspaceId: WorkspaceId,
): { epoch: string; seq: Seq; place: DocumentKey } {
  const parsed = cursorSchema.safeParse(readCursor(cursor));
  if (!parsed.success || parsed.data[1] !== workspaceId) {
    throw fieldProblem(
      { path: ["after"], message: "must be the next of a previous page of this workspace" },
      null,
    );
  }
  const [epoch, , seq, collection, documentId] = parsed.data;
  return { epoch, seq, place: { collection, documentId } };
}
