import { expect, test } from "vitest";
import { findReason } from "./log-reason.ts";

test.each([
  [
    "a fatal line of a service",
    '{"level":"info","msg":"hello"}\n{"level":"fatal","err":{"stack":"a\\nb"},"msg":"port 3000 is taken"}\n',
    "port 3000 is taken",
  ],
  [
    "a sentence about the environment",
    "Cannot start. LANES is not usable.\n",
    "Cannot start. LANES is not usable.",
  ],
  [
    "a fatal line of Postgres, with its hint",
    '2026-11-30 18:00:00 UTC [1] FATAL:  data directory "/d" has wrong ownership\n2026-11-30 18:00:00 UTC [1] HINT:  The server must be started by the user that owns the data directory.\n',
    'data directory "/d" has wrong ownership The server must be started by the user that owns the data directory.',
  ],
  [
    "a failure of Redis",
    "12:M 30 Nov 2026 18:00:00.000 * Server initialized\n12:M 30 Nov 2026 18:00:00.001 # Can't open or create append-only dir appendonlydir: No space left on device\n",
    "Redis: Can't open or create append-only dir appendonlydir: No space left on device",
  ],
  ["a log without a reason", '{"level":"info","msg":"hello"}\nfine\n{"level":"fa', undefined],
])("the reason is taken from %s", (_what, log, reason) => {
  expect(findReason(log)).toBe(reason);
});
