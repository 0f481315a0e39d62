import { describe, expect, it } from "vitest";
import { checkAnswer } from "./check-answer.ts";

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });

describe("a hook's answer", () => {
  it.each([
    [undefined],
    [{ use: "server-wins" }],
    [{ ask: "which?" }],
    [{ document: null }],
    [{ document: { id: "doc", list: [1, { b: null }], deep: deep(60) } }],
  ])("is accepted: %j", (answer) => {
    expect(checkAnswer(answer, "doc")).toEqual({ answer });
  });

  it("is accepted with a question that contains half of a surrogate pair, which is replaced", () => {
    const ask = `which of ${"😀".slice(0, 1)}?`;
    expect(checkAnswer({ ask }, "doc")).toEqual({ answer: { ask: "which of \ufffd?" } });
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["a name", "local"],
    ["a strategy that only a device may name", { use: "report" }],
    ["an empty question", { ask: "" }],
    ["a question that Postgres cannot store", { ask: "\0" }],
    ["two answers", { use: "merge", ask: "which?" }],
    ["an array", { document: [] }],
    ["an undefined document", { document: undefined }],
    ["another document's id", { document: { id: "other" } }],
    ["a value that JSON cannot express", { document: { a: Number.NaN } }],
    ["an undefined field", { document: { a: undefined } }],
    ["an object of a class", { document: { a: new Date() } }],
    ["a key into prototypes", { document: JSON.parse('{"__proto__":{}}') }],
    ["a text that Postgres cannot store", { document: { a: "\0" } }],
    ["too deep a document", { document: deep(65) }],
    ["a circle", { document: circle() }],
    ["too large a document", { document: { a: "x".repeat(1024 * 1024) } }],
  ])("is rejected: %s", (_, answer) => {
    expect(checkAnswer(answer, "doc")).toBeNull();
  });
});

function circle(): object {
  const round: { again?: object } = {};
  round.again = round;
  return round;
}
