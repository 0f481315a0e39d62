import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EnvError, commonEnv, mergeBackoffOf, portVariable, readEnv, refineRedisEnv } from "./env.ts";

const schema = z
  .object({ ...commonEnv, PORT: portVariable(3000), JWT_SECRET: z.string().min(32) })
  .superRefine(refineRedisEnv);
const GOOD = {
  DATABASE_URL: "postgres://user:password@localhost:5432/syncline",
  REDIS_URL: "redis://localhost:6379/0",
  JWT_SECRET: "x".repeat(32),
};

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
      LANES: 16,
      LOG_LEVEL: "info",
      REDIS_URL: ["redis://localhost:6379/0"],
      REDIS_CLUSTER: "false",
      REDIS_SHARDS: 1,
      MERGE_BACKOFF_MS_MIN: 1_000,
      MERGE_BACKOFF_MS_MAX: 300_000,
      PORT: 8080,
    });
  });

  it("treats an empty variable as unset", () => {
    expect(readEnv(schema, { ...GOOD, PORT: "", LOG_LEVEL: "" })).toMatchObject({
      PORT: 3000,
      LOG_LEVEL: "info",
    });
    expect(messageFor({ ...GOOD, DATABASE_URL: "" })).toContain("DATABASE_URL is not set");
  });

  it("names every missing or invalid variable, and no valid one", () => {
    const message = messageFor({
      REDIS_URL: "http://localhost",
      PORT: "70000",
      LOG_LEVEL: "loud",
      LANES: "many",
    });
    for (const name of ["REDIS_URL", "PORT", "LOG_LEVEL", "LANES"])
      expect(message).toContain(`${name} is not usable`);
    for (const name of ["DATABASE_URL", "JWT_SECRET"]) expect(message).toContain(`${name} is not set`);
    expect(message).not.toContain("HOST");
  });

  it("describes the variable", () => {
    expect(messageFor({ ...GOOD, DATABASE_URL: undefined })).toContain(
      "postgres://user:password@host:port/database",
    );
  });

  it.each([
    ["JWT_SECRET", "sesame"],
    ["DATABASE_URL", "mysql://user:sesame@localhost/db"],
    ["DATABASE_URL", "sesame"],
    ["REDIS_URL", "redis//sesame"],
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

  it("reads the backoff of merges, and rejects a minimum above the maximum", () => {
    const backoff = { MERGE_BACKOFF_MS_MIN: "20", MERGE_BACKOFF_MS_MAX: "500" };
    const read = readEnv(schema, { ...GOOD, ...backoff });
    expect(mergeBackoffOf(read)).toEqual({ backoffMsMin: 20, backoffMsMax: 500 });
    const crossed = "MERGE_BACKOFF_MS_MIN must not be greater than MERGE_BACKOFF_MS_MAX";
    expect(messageFor({ ...GOOD, MERGE_BACKOFF_MS_MAX: "999" })).toContain(crossed);
    expect(messageFor({ ...GOOD, ...backoff, MERGE_BACKOFF_MS_MIN: "501" })).toContain(crossed);
    expect(messageFor({ ...GOOD, MERGE_BACKOFF_MS_MIN: "0" })).toContain(
      "MERGE_BACKOFF_MS_MIN is not usable",
    );
  });

  it("reads several nodes of a Redis Cluster, whose passwords may contain commas", () => {
    const REDIS_URL = "redis://:a,b@one:6379,redis://:a,b@two:6379, redis://:a,b@[::1]:6379";
    expect(readEnv(schema, { ...GOOD, REDIS_URL, REDIS_CLUSTER: "true" }).REDIS_URL).toEqual([
      "redis://:a,b@one:6379",
      "redis://:a,b@two:6379",
      "redis://:a,b@[::1]:6379",
    ]);
    expect(messageFor({ ...GOOD, REDIS_URL })).toContain("REDIS_CLUSTER is not true");
    expect(messageFor({ ...GOOD, REDIS_URL: "redis://one:6379,redis://" })).toContain("REDIS_URL");
  });

  it("rejects a database number other than 0 on a cluster", () => {
    const cluster = (REDIS_URL: string) => ({ ...GOOD, REDIS_URL, REDIS_CLUSTER: "true" });
    expect(messageFor(cluster("redis://one:6379/3"))).toContain("number 0");
    for (const url of ["redis://one:6379", "redis://one:6379/", "redis://one:6379/0"])
      expect(readEnv(schema, cluster(url)).REDIS_URL).toEqual([url]);
  });
});
