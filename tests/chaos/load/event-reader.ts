/** A server-sent event as received. */
export interface ReceivedEvent {
  event: string | undefined;
  id: string | undefined;
  /** `undefined` if the event only has an id. */
  data: unknown;
}

/** Reads server-sent events until the stream ends; throws if it breaks. */
export async function* readEvents(response: Response): AsyncGenerator<ReceivedEvent, void, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    const parts = (text + decoder.decode(chunk, { stream: true })).split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const fields = new Map(
        part
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
      );
      const data = fields.get("data");
      yield {
        event: fields.get("event"),
        id: fields.get("id"),
        data: data === undefined ? undefined : (JSON.parse(data) as unknown),
      };
    }
  }
}
