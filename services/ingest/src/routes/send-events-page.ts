import type { EventCursor } from "../core/event-cursor.ts";
import type { EventWriter } from "../io/event-stream.ts";
import type { EventsPage } from "./read-events-page.ts";

/** The form of a stream's events. */
interface EventForm {
  /** Encodes the client's position as an event id. */
  idOf: (cursor: EventCursor) => string;
  /** Further fields of every event's data. */
  fields?: object;
}

/**
 * Sends a page. The id of a change or a conflict is the client's position in both sequences after it, so that the client
 * resumes exactly there. Outcomes come first and have no id: if the client misses one, its position is still before it.
 */
export async function sendEventsPage(
  events: EventWriter,
  page: EventsPage,
  { idOf, fields }: EventForm,
): Promise<void> {
  let cursor: EventCursor = page.from;
  for await (const part of page.settled) {
    for (const result of part) await events.send({ event: "settled", data: { ...fields, ...result } });
  }
  for (const change of page.changes) {
    cursor = { ...cursor, seq: change.seq };
    await events.send({ event: "change", id: idOf(cursor), data: { ...fields, ...change } });
  }
  for (const { cursor: conflict, summary } of page.conflicts) {
    cursor = { ...cursor, conflict };
    await events.send({ event: "conflict", id: idOf(cursor), data: { ...fields, ...summary } });
  }
  events.pass(idOf(page.next));
}
