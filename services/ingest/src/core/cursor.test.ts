import { describe, expect, it } from "vitest";
import { readCursor, writeCursor } from "./cursor.ts";

describe("a cursor", () => {
  it("is decoded to the encoded position", () => {
    const place = ["epoch", 7, "documents", "Zoë 😀"];
    expect(readCursor(writeCursor(place))).toEqual(place);
  });

  const written = writeCursor(["epoch", 7]);
  it.each([
    "",
    "abc",
    ` ${written}`,
    `${written}=`,
    `${written.slice(0, 4)}!${written.slice(4)}`,
    Buffer.from('["epoch", 7]').toString("base64url"),
    Buffer.from("{}").toString("base64url"),
    Buffer.from('"epoch"').toString("base64url"),
  ])("is not %j", (text) => {
    expect(readCursor(text)).toBeUndefined();
  });
});
