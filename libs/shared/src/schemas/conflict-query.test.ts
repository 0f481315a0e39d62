import { expect, it } from "vitest";
import { conflictQuerySchema } from "./conflict-query.ts";

it.each([
  { device_id: "phone\u0000" },
  { device_id: "phone\n" },
  { since: "0000-01-01T00:00:00Z" },
  { until: "0001-01-01T00:00:00+01:00" },
  { since: "9999-12-31T23:59:59-01:00" },
  { since: "2026-02-30T00:00:00Z" },
  { since: "yesterday" },
  { before: "1" },
  { limit: "0" },
])("a conflict query that Postgres would refuse is refused before: %j", (query) => {
  expect(conflictQuerySchema.safeParse(query).success).toBe(false);
});

it("writes times in the form that Postgres accepts, whatever the offset", () => {
  const { since, until } = conflictQuerySchema.parse({
    since: "2026-11-25T22:00:00+23:59",
    until: "0001-01-01T00:00:00Z",
  });
  expect([since, until]).toEqual(["2026-11-24T22:01:00.000Z", "0001-01-01T00:00:00.000Z"]);
});
