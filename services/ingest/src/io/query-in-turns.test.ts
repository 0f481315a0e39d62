import { inWorkspaces, type Query } from "@syncline/store";
import { expect, it } from "vitest";
import { queryInTurns } from "./query-in-turns.ts";

it("lets subjects take turns, and counts work without a subject as one of them", async () => {
  const begun: unknown[] = [];
  const ends: (() => void)[] = [];
  const query: Query = (_sql, values) => {
    begun.push(values[0]);
    const { promise, resolve } = Promise.withResolvers<never[]>();
    ends.push(() => resolve([]));
    return promise;
  };
  const inTurns = queryInTurns(query, 1);
  const ask = (name: string, subject?: string) =>
    inWorkspaces([], () => inTurns({ name: "s", text: "" }, [name]), subject);
  const asked = [ask("a1", "a"), ask("a2", "a"), ask("a3", "a"), ask("b1", "b"), ask("look")];
  while (begun.length < asked.length) {
    ends.shift()?.();
    await new Promise(setImmediate);
  }
  ends.shift()?.();
  await Promise.all(asked);
  expect(begun).toEqual(["a1", "a2", "b1", "look", "a3"]);
});
