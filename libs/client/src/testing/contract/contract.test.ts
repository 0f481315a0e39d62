import { describe, expect, it } from "vitest";
import { createTestServer } from "../server/test-server.ts";
import { asRecorded, readRecordings } from "./recordings.ts";
import { SCENARIOS } from "./scenarios.ts";
import { Session } from "./session.ts";

const WORKSPACE = "11111111-1111-4111-8111-111111111111";

const recordings = readRecordings();

it("the contract has more than 150 exchanges, all recorded", () => {
  expect(Object.keys(recordings)).toEqual(SCENARIOS.map(({ name }) => name));
  expect(Object.values(recordings).flat().length).toBeGreaterThan(150);
});

describe("the test server answers as the server does", () => {
  it.each(SCENARIOS.map((scenario, at) => [scenario.name, at, scenario] as const))(
    "%s",
    async (_, at, scenario) => {
      const server = createTestServer({ seed: at });
      const { url, fetch } = server;
      const token = (subject: string, workspaces: object) =>
        server.token({ subject, workspaces: { ...workspaces } });
      const session = new Session({ url, fetch, token }, WORKSPACE);
      await scenario.run(session);
      expect(server.failures).toEqual([]);
      expect(asRecorded(session.exchanges)).toEqual(recordings[scenario.name]);
    },
  );
});
