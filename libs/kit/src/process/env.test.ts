import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EnvError, portVariable, processEnv, readEnv } from "./env.ts";

const schema = z.object({
  ...processEnv,
  PORT: portVariable(3000),
  PEER_URL: z.url({ protocol: /^https?$/ }).describe("The other service, as http://host:port"),
  WAIT_MS_MIN: z.coerce.number().int().default(10),
  WAIT_MS_MAX: z.coerce.number().int().default(1_000),
  JWT_SECRET: z.string().min(32),
});
const GOOD = { PEER_URL: "http://localhost:3001", JWT_SECRET: "x".repeat(32) };

function messageFor(env: NodeJS.ProcessEnv): string {
  try {
    readEnv(schema, env);
  } catch (error) {
    if (error instanceof EnvError) return error.message;
    throw error;
  }
  throw new Error("the environment was not rejected");
}

describe("reading the environment", () => {
  it("returns typed values, with defaults for unset variables", () => {
    expect(readEnv(schema, { ...GOOD, PORT: "8080", HOME: "/root" })).toStrictEqual({
      ...GOOD,
      HOST: "0.0.0.0",
      LOG_LEVEL: "info",
      PORT: 8080,
      WAIT_MS_MIN: 10,
      WAIT_MS_MAX: 1_000,
    });
  });

  it("treats an empty variable as unset", () => {
    expect(readEnv(schema, { ...GOOD, PORT: "", LOG_LEVEL: "" })).toMatchObject({
      PORT: 3000,
      LOG_LEVEL: "info",
    });
    expect(messageFor({ ...GOOD, PEER_URL: "" })).toContain("PEER_URL is not set");
  });

  it("names every missing or invalid variable, and no valid one", () => {
    const message = messageFor({
      PEER_URL: "redis://localhost",
      PORT: "70000",
      LOG_LEVEL: "loud",
      WAIT_MS_MIN: "long",
    });
    for (const name of ["PEER_URL", "PORT", "LOG_LEVEL", "WAIT_MS_MIN"])
      expect(message).toContain(`${name} is not usable`);
    expect(message).toContain("JWT_SECRET is not set");
    expect(message).not.toContain("HOST");
  });

  it("describes the variable", () => {
    expect(messageFor({ ...GOOD, PEER_URL: undefined })).toContain("http://host:port");
  });

  it.each([
    ["JWT_SECRET", "sesame"],
    ["PEER_URL", "ftp://user:sesame@localhost"],
    ["PEER_URL", "sesame"],
    ["LOG_LEVEL", "sesame"],
    ["PORT", "sesame"],
  ])("does not repeat the value of %s", (name, value) => {
    const message = messageFor({ ...GOOD, [name]: value });
    expect(message).toContain(name);
    expect(message).not.toContain("sesame");
  });

  it.each(["-1", "65536", "80.5", "http"])("rejects the port %s", (port) => {
    expect(messageFor({ ...GOOD, PORT: port })).toContain("PORT is not usable");
  });

  it("rejects a minimum above its maximum", () => {
    const crossed = "WAIT_MS_MIN must not be greater than WAIT_MS_MAX";
    expect(messageFor({ ...GOOD, WAIT_MS_MAX: "9" })).toContain(crossed);
  });
});
