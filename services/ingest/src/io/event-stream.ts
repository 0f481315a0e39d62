import type { Logger } from "@syncline/runtime";
import type { Response } from "express";
import type { OpenStream } from "../core/open-streams.ts";
import { endSoon, writeDrained } from "./write-drained.ts";

const HEARTBEAT_MS = 15_000;

/** One server-sent event. */
export interface ServerSentEvent {
  event: string;
  /** Where a client that comes back goes on from. */
  id?: string;
  data: unknown;
}

/** The events of one answer. */
export interface EventWriter {
  /** Sends an event, and waits until the client has taken it. */
  send(event: ServerSentEvent): Promise<void>;
  /**
   * Says how far the client has come without an event of its own. It is told with the next heartbeat; at once where it
   * was told nothing yet.
   */
  pass(id: string): void;
}

/**
 * Answers with server-sent events until `write` returns or the stream ends; the client is told where that is not its own
 * doing. A heartbeat keeps connections open, and names the place that the client has reached.
 */
export async function streamEvents(
  response: Response,
  stream: OpenStream,
  log: Logger,
  write: (events: EventWriter) => Promise<void>,
): Promise<void> {
  let lastId: string | undefined;
  // `connection: close`, so that a stopping server need not wait for the connection to idle.
  response.status(200).set({
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    connection: "close",
  });
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  response.flushHeaders();
  const beat = () => {
    // A client that has not taken the last event is owed no heartbeat.
    if (!response.writableNeedDrain) response.write(`:\n${idLine(lastId)}\n`);
  };
  const heartbeat = setInterval(beat, HEARTBEAT_MS);
  try {
    await write({
      async send(event) {
        lastId = event.id ?? lastId;
        await writeDrained(response, eventText(event), stream.signal);
      },
      pass: (id) => {
        const isFirst = lastId === undefined;
        lastId = id;
        if (isFirst) beat();
      },
    });
  } catch (error) {
    // Too late for another answer: the client comes back, and is answered then.
    if (!stream.signal.aborted) log.warn({ err: error }, "an event stream ended early");
  } finally {
    clearInterval(heartbeat);
    const { endedBy } = stream;
    if (endedBy !== undefined) response.write(eventText({ event: "end", data: { reason: endedBy } }));
    endSoon(response);
  }
}

function eventText({ event, id, data }: ServerSentEvent): string {
  return `event: ${event}\n${idLine(id)}data: ${JSON.stringify(data)}\n\n`;
}

function idLine(id: string | undefined): string {
  return id === undefined ? "" : `id: ${id}\n`;
}
