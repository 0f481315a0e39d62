import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CLIENTS_MAX, createRefusalTrail, LINES_MAX, WINDOW_MS, type RefusalLine } from "./refusal-trail.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function createTrail() {
  const lines: unknown[][] = [];
  const note = createRefusalTrail({ info: (...line: unknown[]) => lines.push(line) } as never);
  const refuse = (from: string, subject?: string) => {
    const line: RefusalLine = { requestId: "r", subject, from, method: "GET", path: "/", reason: "no" };
    note(line);
  };
  return { lines, refuse };
}

it("writes a limited number of refusals for each client, and the number of suppressed ones when the window ends", () => {
  const { lines, refuse } = createTrail();
  for (let n = 0; n < LINES_MAX + 7; n++) refuse("192.0.2.1");
  refuse("192.0.2.2");
  expect(lines).toHaveLength(LINES_MAX + 1);
  vi.advanceTimersByTime(WINDOW_MS);
  expect(lines.slice(LINES_MAX + 1)).toEqual([
    [{ client: "192.0.2.1", suppressed: 7 }, "further requests refused"],
  ]);
  refuse("192.0.2.1");
  expect(lines).toHaveLength(LINES_MAX + 3);
  vi.advanceTimersByTime(WINDOW_MS);
  expect(lines).toHaveLength(LINES_MAX + 3);
});

it("counts each subject at an address separately", () => {
  const { lines, refuse } = createTrail();
  for (let n = 0; n < 2 * LINES_MAX; n++) refuse("192.0.2.1", "alice");
  refuse("192.0.2.1", "bob");
  expect(lines).toHaveLength(LINES_MAX + 1);
});

it("counts clients together beyond the limit of separate ones", () => {
  const { lines, refuse } = createTrail();
  for (let n = 0; n < CLIENTS_MAX + LINES_MAX + 5; n++) refuse(`client ${n}`);
  expect(lines).toHaveLength(CLIENTS_MAX + LINES_MAX);
  vi.advanceTimersByTime(WINDOW_MS);
  expect(lines.at(-1)).toEqual([{ client: "others", suppressed: 5 }, "further requests refused"]);
});
