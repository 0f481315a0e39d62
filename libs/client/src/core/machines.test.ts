import { expect, it } from "vitest";
import { ANSWER_TABLE, FORBIDDEN_TABLE } from "./answer-table.ts";
import { ENGINE_MACHINE } from "./engine-machine.ts";
import { next, type Machine } from "./machine.ts";
import { OPERATION_MACHINE } from "./operation-machine.ts";
import { PULL_MACHINE } from "./pull-machine.ts";

/** Every transition that is no bug, written out: a change of a table must change its line here. */
const TRANSITIONS: Record<string, string> = {
  "operation queued": "freeze>sent foldedAway>gone historyChanged>queued cancel>gone ended>gone",
  "operation sent":
    "unanswered>sent success>acked parked>parked refused>gone askAgain>sent historyChanged>sent ended>gone",
  "operation acked": "confirmed>gone historyChanged>sent ended>gone",
  "operation parked": "askAgain>sent historyChanged>sent ended>gone",
  "operation gone": "",
  "pull none": "start>snapshot streamLost>none gone>snapshot forgotten>none",
  "pull snapshot": "start>snapshot snapshotRead>catchingUp streamLost>snapshot gone>snapshot forgotten>none",
  "pull catchingUp":
    "start>catchingUp caughtUp>polling streamOpen>catchingUp streamLost>catchingUp gone>snapshot forgotten>none",
  "pull polling":
    "start>polling caughtUp>polling streamOpen>live streamLost>polling gone>snapshot forgotten>none",
  "pull live": "start>live caughtUp>live streamOpen>live streamLost>polling gone>snapshot forgotten>none",
  "engine stopped":
    "open>opening opened>stopped synced>stopped noAnswer>stopped broken>stopped unauthorized>stopped pause>stopped resume>stopped stop>stopped",
  "engine opening":
    "opened>idle broken>failed unauthorized>signedOut resume>opening pause>paused stop>stopped",
  "engine idle":
    "attempt>syncing noAnswer>offline broken>failed unauthorized>signedOut resume>idle pause>paused stop>stopped",
  "engine syncing":
    "synced>idle noAnswer>offline broken>failed unauthorized>signedOut resume>syncing pause>paused stop>stopped",
  "engine offline":
    "attempt>syncing noAnswer>offline broken>failed unauthorized>signedOut resume>offline pause>paused stop>stopped",
  "engine failed":
    "attempt>syncing noAnswer>failed broken>failed unauthorized>signedOut resume>failed pause>paused stop>stopped",
  "engine paused":
    "opened>paused synced>paused noAnswer>paused broken>paused unauthorized>paused resume>idle pause>paused stop>stopped",
  "engine signedOut":
    "attempt>syncing opened>signedOut noAnswer>signedOut broken>signedOut unauthorized>signedOut resume>signedOut pause>paused stop>stopped",
};

const MACHINES: Record<string, Machine<string, string>> = {
  operation: OPERATION_MACHINE,
  pull: PULL_MACHINE,
  engine: ENGINE_MACHINE,
};
const PAIRS = Object.entries(MACHINES).flatMap(([name, machine]) =>
  Object.entries(machine).flatMap(([state, row]) =>
    Object.keys(row).map((event) => [name, state, event] as const),
  ),
);

it.each(PAIRS)("the machine %s in %s takes %s as the table says, or throws", (name, state, event) => {
  const machine = MACHINES[name] ?? {};
  const listed = Object.fromEntries(
    (TRANSITIONS[`${name} ${state}`] ?? "?").split(" ").map((pair) => pair.split(">")),
  );
  const to: unknown = listed[event];
  if (to === undefined)
    expect(() => next(machine, state, event)).toThrow(
      `Bug in @syncline/client: ${event} in the state ${state}`,
    );
  else expect(next(machine, state, event)).toBe(to);
});

it("the tables have a row for each state and a column for each event", () => {
  expect(PAIRS).toHaveLength(5 * 11 + 5 * 7 + 8 * 10);
  expect(Object.keys(TRANSITIONS).toSorted()).toEqual(
    [...new Set(PAIRS.map(([name, state]) => `${name} ${state}`))].toSorted(),
  );
});

it("each way in which a request can fail has one reaction", () => {
  expect(ANSWER_TABLE).toEqual({
    noAnswer: "backOff",
    unavailable: "backOff",
    overloaded: "waitAsTold",
    unauthorized: "newToken",
    overrideNotAllowed: "dropStrategy",
    notFound: "sendAgain",
    outdated: "refuseNamed",
    gone: "readAnew",
    tooLarge: "halve",
    invalid: "refuseNamed",
    protocol: "fail",
  });
  expect(FORBIDDEN_TABLE).toEqual({ workspace: "accessLost", role: "stopPushing", device: "newDevice" });
});
