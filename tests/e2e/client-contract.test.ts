import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  asRecorded,
  readRecordings,
  writeRecordings,
  type Recordings,
} from "../../libs/client/src/testing/contract/recordings.ts";
import { SCENARIOS } from "../../libs/client/src/testing/contract/scenarios.ts";
import { Session } from "../../libs/client/src/testing/contract/session.ts";
import { borrowSystem, type System } from "../support/system.ts";

/** `RECORD_CONTRACT=1` writes the server's answers as the new recordings. */
const isRecording = process.env["RECORD_CONTRACT"] === "1";

let system: System;
const recorded = readRecordings();
const answered: Recordings = {};
beforeAll(async () => {
  system = await borrowSystem();
});
afterAll(async () => {
  if (isRecording) writeRecordings(answered);
  await system.stop();
});

describe("the server answers as it is recorded for the test server", () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))("%s", async (name, scenario) => {
    const { syncline } = system;
    const token = (subject: string, workspaces: object) => syncline.token({ ...workspaces }, { subject });
    const session = new Session({ url: syncline.ingestUrl, token }, randomUUID());
    await scenario.run(session);
    answered[name] = asRecorded(session.exchanges);
    if (!isRecording) expect(answered[name]).toEqual(recorded[name]);
  });
});
