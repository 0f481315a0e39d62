import { createTestRedisUrl } from "@syncline/stack";
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeRedis, connectRedis } from "./connect.ts";
import { REDIS_FAULTS, toRedisError } from "./redis-error.ts";

let redisUrl: string;
let redis: ReturnType<typeof connectRedis>;
beforeAll(async () => {
  redisUrl = await createTestRedisUrl();
  redis = connectRedis(redisUrl, () => undefined);
});
afterAll(() => closeRedis(redis));

/** The error code of a failing command. */
async function codeOf(command: Promise<unknown>): Promise<string> {
  try {
    await command;
  } catch (error) {
    return toRedisError(error).code;
  }
  throw new Error("the command did not fail");
}

it.each([
  ["a key of another type", "SYN_REDIS_UNEXPECTED", ["XLEN", "text"]],
  ["a malformed call", "SYN_REDIS_UNEXPECTED", ["GET"]],
  [
    "a key of another type, in a script",
    "SYN_REDIS_UNEXPECTED",
    ["EVAL", "return redis.call('XLEN', 'text')", "0"],
  ],
  ["a command that this Redis does not know", "SYN_REDIS_DEPLOYMENT", ["NOSUCHCOMMAND"]],
  ["a missing script", "SYN_REDIS_UNAVAILABLE", ["EVALSHA", "0".repeat(40), "0"]],
])("%s is %s", async (_meaning, code, [command = "", ...parameters]) => {
  await redis.set("text", "text");
  expect(await codeOf(redis.call(command, ...parameters))).toBe(code);
});

it("a user without permission, or with a wrong password, is a deployment fault", async () => {
  const name = `weak-${process.pid}`;
  await redis.call("ACL", "SETUSER", name, "on", ">secret", "~*", "+@all", "-xlen");
  const url = new URL(redisUrl);
  [url.username, url.password] = [name, "secret"];
  const weak = connectRedis(url.href, () => undefined);
  try {
    expect(await codeOf(weak.xlen("stream"))).toBe("SYN_REDIS_DEPLOYMENT");
    expect(await codeOf(weak.call("AUTH", name, "wrong"))).toBe("SYN_REDIS_DEPLOYMENT");
    expect(await codeOf(weak.eval("return redis.call('XLEN', KEYS[1])", 1, "stream"))).toBe(
      "SYN_REDIS_DEPLOYMENT",
    );
  } finally {
    await closeRedis(weak);
    await redis.call("ACL", "DELUSER", name);
  }
});

it.each(Object.entries(REDIS_FAULTS))("a reply that begins with %s is %s", (word, code) => {
  const reply = Object.assign(new Error(`${word} and more`), { name: "ReplyError" });
  expect(toRedisError(reply).code).toBe(code);
});

it("a failed connection and an unknown reply are retried", () => {
  expect(toRedisError(new Error("connect ECONNREFUSED")).code).toBe("SYN_REDIS_UNAVAILABLE");
  const reply = Object.assign(new Error("NEWWORD of a later Redis"), { name: "ReplyError" });
  expect(toRedisError(reply).code).toBe("SYN_REDIS_UNEXPECTED");
});
