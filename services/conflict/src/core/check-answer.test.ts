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
  ])("is taken: %j", (answer) => {
    expect(checkAnswer(answer, "doc")).toEqual({ answer });
  });

  it("is taken with a question that quotes half of a character, and shows none", () => {
    const ask = `which of ${"😀".slice(0, 1)}?`;
    expect(checkAnswer({ ask }, "doc")).toEqual({ answer: { ask: "which of \ufffd?" } });
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["a name", "local"],
    ["a strategy that nobody can follow", { use: "report" }],
    ["no question", { ask: "" }],
    ["a question that Postgres has no room for", { ask: "\0" }],
    ["two answers", { use: "merge", ask: "which?" }],
    ["an array", { document: [] }],
    ["no document", { document: undefined }],
    ["another document's id", { document: { id: "other" } }],
    ["what JSON has no word for", { document: { a: Number.NaN } }],
    ["a hole", { document: { a: undefined } }],
    ["an object of a class", { document: { a: new Date() } }],
    ["a key into prototypes", { document: JSON.parse('{"__proto__":{}}') }],
    ["a text that Postgres has no room for", { document: { a: "\0" } }],
    ["too deep", { document: deep(65) }],
    ["a circle", { document: circle() }],
    ["too large", { document: { a: "x".repeat(1024 * 1024) } }],
  ])("is none: %s", (_, answer) => {
    expect(checkAnswer(answer, "doc")).toBeNull();
  });
});

function circle(): object {
  const round: { again?: object } = {};
  round.again = round;
  return round;
}
