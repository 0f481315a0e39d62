/** A server-sent event; without `event` a heartbeat, which only names the position. */
export interface ParsedEvent {
  event?: string;
  id?: string;
  data: string;
}

/**
 * Creates a parser of server-sent events. It is called with the stream's pieces, which may end anywhere, and returns the
 * events that are complete.
 */
export function createEventParser(): (piece: Uint8Array) => ParsedEvent[] {
  const decoder = new TextDecoder();
  let rest = "";
  return (piece) => {
    // A CR at the end of a piece may be the first half of a line break.
    const text = rest + decoder.decode(piece, { stream: true });
    const blocks = text.replace(/\r\n|\r(?=.)/gs, "\n").split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks.map(parseBlock);
  };
}

function parseBlock(block: string): ParsedEvent {
  const parsed: ParsedEvent = { data: "" };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, name, value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === "event") parsed.event = value;
    else if (name === "id") parsed.id = value;
    else if (name === "data") data.push(value);
  }
  return { ...parsed, data: data.join("\n") };
}
