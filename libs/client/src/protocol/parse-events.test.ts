import { describe, expect, it } from "vitest";
import { createEventParser } from "./parse-events.ts";

const STREAM = 'event: change\nid: 1:2\ndata: {"a":"ü"}\n\n:\nid: 3\n\nevent: end\ndata: {\ndata: }\n\n';

describe("server-sent events", () => {
  it.each([["\n"], ["\r\n"], ["\r"]])(
    "are the same wherever the pieces end, with line breaks %j",
    (lineBreak) => {
      const bytes = new TextEncoder().encode(STREAM.replaceAll("\n", lineBreak));
      for (let size = 1; size <= bytes.length; size++) {
        const parse = createEventParser();
        const events = [];
        for (let at = 0; at < bytes.length; at += size) events.push(...parse(bytes.slice(at, at + size)));
        // A lone CR at the very end may be half of a line break.
        if (lineBreak === "\r") events.push(...parse(new TextEncoder().encode(":")));
        expect(events).toEqual([
          { event: "change", id: "1:2", data: '{"a":"ü"}' },
          { id: "3", data: "" },
          { event: "end", data: "{\n}" },
        ]);
      }
    },
  );
});
