import { expect, it } from "vitest";
import { CONFLICT_LIFE } from "./conflict-life.ts";
import { OPERATION_ERRORS, type ErrorType } from "./operation-errors.ts";
import { PROBLEM_HELP } from "./problem-help.ts";
import type { ProblemType } from "./problem.ts";

// The checks are the compiler's: each error that is expected and does not come fails the type check. So whoever adds a
// status, an event, a problem or an error type is led to everything that has to handle it.

it("the life of a conflict has an entry for every status and every event", () => {
  const { resolved: _status, ...lackingStatus } = CONFLICT_LIFE;
  // @ts-expect-error a status is not handled
  const life: typeof CONFLICT_LIFE = lackingStatus;
  const { decided: _event, ...lackingEvent } = CONFLICT_LIFE.open;
  // @ts-expect-error an event is not handled
  const open: (typeof CONFLICT_LIFE)["open"] = lackingEvent;
  // @ts-expect-error no status, nor another effect
  const odd: (typeof CONFLICT_LIFE)["open"] = { ...CONFLICT_LIFE.open, decided: "closed" };
  expect([life, open, odd]).toHaveLength(3);
});

it("every problem is explained to clients", () => {
  const { overloaded: _problem, ...lacking } = PROBLEM_HELP;
  // @ts-expect-error a problem is not explained
  const help: typeof PROBLEM_HELP = lacking;
  // @ts-expect-error no problem has this name
  const unknown: ProblemType = "over-loaded";
  expect([help, unknown]).toHaveLength(2);
});

it("every error type says whether a device can send the operation again", () => {
  const { patch_failed: _type, ...lacking } = OPERATION_ERRORS;
  // @ts-expect-error an error type has no action
  const errors: Record<ErrorType, { action: string }> = lacking;
  // @ts-expect-error no error type has this name
  const unknown: ErrorType = "patch-failed";
  expect([errors, unknown]).toHaveLength(2);
});
