import { expect, test } from "vitest";
import { pickTestStack } from "./pick-test-stack.ts";
import type { ContainerEngine, PickTestStackInput } from "./pick-test-stack.ts";

const IMAGES = ["postgres:x", "redis:x"];

function engineWith(images: readonly string[], pullImage: ContainerEngine["pullImage"]): PickTestStackInput {
  const engine: ContainerEngine = { hasImage: (image) => Promise.resolve(images.includes(image)), pullImage };
  return { wish: undefined, images: IMAGES, pullTimeoutMs: 20, connectEngine: () => Promise.resolve(engine) };
}

const pullWorks = () => Promise.resolve();
const pullFails = () => Promise.reject(new Error("no such host"));
const pullHangs = () => new Promise<void>(() => {});
const noEngine: PickTestStackInput = {
  wish: undefined,
  images: IMAGES,
  pullTimeoutMs: 20,
  connectEngine: () => Promise.reject(new Error("no socket")),
};

test("picks containers if an engine answers and has the images, without pulling", async () => {
  expect((await pickTestStack(engineWith(IMAGES, pullFails))).kind).toBe("containers");
});

test("picks containers if the missing images are pulled in time", async () => {
  expect((await pickTestStack(engineWith(["redis:x"], pullWorks))).kind).toBe("containers");
});

test("picks local binaries if the missing images cannot be pulled, with the reason", async () => {
  expect(await pickTestStack(engineWith(["redis:x"], pullFails))).toEqual({
    kind: "local",
    reason: "the images postgres:x are not there and could not be pulled (no such host)",
  });
});

test("picks local binaries if the images are not pulled in time", async () => {
  expect(await pickTestStack(engineWith([], pullHangs))).toEqual({
    kind: "local",
    reason: "the images postgres:x, redis:x are not there and could not be pulled (not within 0.02 s)",
  });
});

test("picks local binaries if no engine answers", async () => {
  expect(await pickTestStack(noEngine)).toEqual({ kind: "local", reason: "no container engine answers" });
});

test("picks local binaries for TEST_STACK=local, without asking for an engine", async () => {
  const connectEngine = () => Promise.reject(new Error("asked although TEST_STACK=local"));
  expect(await pickTestStack({ ...noEngine, wish: "local", connectEngine })).toEqual({
    kind: "local",
    reason: "TEST_STACK=local",
  });
});

test("throws for TEST_STACK=containers if containers are not available", async () => {
  await expect(pickTestStack({ ...noEngine, wish: "containers" })).rejects.toThrow(
    "TEST_STACK=containers is not possible: no container engine answers.",
  );
});

test("throws for another TEST_STACK", async () => {
  await expect(pickTestStack({ ...noEngine, wish: "docker" })).rejects.toThrow('"local" or "containers"');
});
