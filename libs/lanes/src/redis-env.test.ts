import { expect, it } from "vitest";
import { z } from "zod";
import { readEnv } from "@syncline/kit/process";
import { redisEnv, refineRedisEnv } from "./redis-env.ts";

const schema = z.object(redisEnv).superRefine(refineRedisEnv);
const GOOD = { REDIS_URL: "redis://localhost:6379/0" };
const read = (env: NodeJS.ProcessEnv) => readEnv(schema, env);

it("reads one server by default", () => {
  expect(read(GOOD)).toStrictEqual({
    REDIS_URL: ["redis://localhost:6379/0"],
    REDIS_CLUSTER: "false",
    REDIS_SHARDS: 1,
    LANES: 16,
  });
});

it.each([
  ["REDIS_URL", "http://localhost"],
  ["REDIS_URL", "redis//sesame"],
  ["LANES", "many"],
  ["REDIS_SHARDS", "257"],
])("rejects %s=%s without repeating a URL", (name, value) => {
  const reading = () => read({ ...GOOD, [name]: value });
  expect(reading).toThrow(`${name} is not usable`);
  expect(reading).not.toThrow("sesame");
});

it("reads several nodes of a Redis Cluster, whose passwords may contain commas", () => {
  const REDIS_URL = "redis://:a,b@one:6379,redis://:a,b@two:6379, redis://:a,b@[::1]:6379";
  expect(read({ ...GOOD, REDIS_URL, REDIS_CLUSTER: "true" }).REDIS_URL).toEqual([
    "redis://:a,b@one:6379",
    "redis://:a,b@two:6379",
    "redis://:a,b@[::1]:6379",
  ]);
  expect(() => read({ ...GOOD, REDIS_URL })).toThrow("REDIS_CLUSTER is not true");
  expect(() => read({ ...GOOD, REDIS_URL: "redis://one:6379,redis://" })).toThrow("REDIS_URL");
});

it("rejects a database number other than 0 on a cluster", () => {
  const cluster = (REDIS_URL: string) => ({ ...GOOD, REDIS_URL, REDIS_CLUSTER: "true" });
  expect(() => read(cluster("redis://one:6379/3"))).toThrow("number 0");
  for (const url of ["redis://one:6379", "redis://one:6379/", "redis://one:6379/0"])
    expect(read(cluster(url)).REDIS_URL).toEqual([url]);
});
