import { expect, it } from "vitest";
import { readTokenOptions } from "./token-options.ts";

it("reads a subject, workspaces, a role and a duration", () => {
  const args = ["--sub", "ann", "--workspace", "a", "--workspace", "b", "--role", "reader", "--ttl", "30d"];
  expect(readTokenOptions(args)).toEqual({
    subject: "ann",
    workspaceIds: ["a", "b"],
    role: "reader",
    expiresIn: "30d",
  });
});

it("makes a writer's token for an hour by default", () => {
  expect(readTokenOptions([])).toEqual({
    subject: "dev",
    workspaceIds: undefined,
    role: "writer",
    expiresIn: "1h",
  });
});

it.each([
  [["--role", "owner"], /^--role must be reader, writer, admin, but is "owner"/],
  [["--ttl", "soon"], /^--ttl must be a duration, but is "soon"/],
  [["--ttl", "0h"], /^--ttl must be a duration/],
  [["--sub", ""], /^--sub must be 1 to 200 characters/],
  [["--workspace", "a\u0000"], /^--workspace must be 1 to 200 characters/],
  [["--user", "ann"], /Unknown option '--user'/],
  [["ann"], /Unexpected argument 'ann'/],
])("names the wrong option of %j, and the usage", (args, reason) => {
  expect(() => readTokenOptions(args)).toThrow(reason);
  expect(() => readTokenOptions(args)).toThrow("usage: npm run token --");
});
