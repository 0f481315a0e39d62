import type { Logger } from "@syncline/kit/telemetry";
import type { Response } from "express";
import type { OpenStream } from "../core/open-streams.ts";
import { endSoon, writeDrained } from "./write-drained.ts";

const HEARTBEAT_MS = 15_000;

/** One server-sent event. */
export interface ServerSentEvent {
  event: string;
  /** The position from which a reconnecting client resumes. */
  id?: string;
  data: unknown;
}

/** Writes the events of one response. */
export interface EventWriter {
  /** Sends an event and waits until the client has received it. */
  send(event: ServerSentEvent): Promise<void>;
  /**
   * Records the client's position without an event. The next heartbeat sends it; if no position was sent yet, it is
   * sent immediately.
   */
  pass(id: string): void;
}

/**
 * Responds with server-sent events until `write` returns or the stream ends. If the server ends the stream, the client
 * is notified with the reason. A heartbeat keeps the connection open and names the client's position.
 */
export async function streamEvents(
  response: Response,
  stream: OpenStream,
  log: Logger,
  write: (events: EventWriter) => Promise<void>,
): Promise<void> {
  let lastId: string | undefined;
  // `connection: close`, so that a stopping server does not wait for an idle connection.
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
    // No heartbeat is sent while the client still has unread events.
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
    // The response has begun, so no other can be given: the client reconnects and gets the error then.
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
