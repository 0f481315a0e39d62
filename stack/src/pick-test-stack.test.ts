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

test("takes containers where an engine answers and has the images, without pulling", async () => {
  expect((await pickTestStack(engineWith(IMAGES, pullFails))).kind).toBe("containers");
});

test("takes containers where the missing images come in time", async () => {
  expect((await pickTestStack(engineWith(["redis:x"], pullWorks))).kind).toBe("containers");
});

test("takes local binaries where the missing images cannot be pulled, and says why", async () => {
  expect(await pickTestStack(engineWith(["redis:x"], pullFails))).toEqual({
    kind: "local",
    reason: "the images postgres:x are not there and could not be pulled (no such host)",
  });
});

test("takes local binaries where the images do not come in time", async () => {
  expect(await pickTestStack(engineWith([], pullHangs))).toEqual({
    kind: "local",
    reason: "the images postgres:x, redis:x are not there and could not be pulled (not within 0.02 s)",
  });
});

test("takes local binaries where no engine answers", async () => {
  expect(await pickTestStack(noEngine)).toEqual({ kind: "local", reason: "no container engine answers" });
});

test("TEST_STACK=local is followed without asking for an engine", async () => {
  const connectEngine = () => Promise.reject(new Error("asked all the same"));
  expect(await pickTestStack({ ...noEngine, wish: "local", connectEngine })).toEqual({
    kind: "local",
    reason: "TEST_STACK=local",
  });
});

test("TEST_STACK=containers that cannot be had is an error", async () => {
  await expect(pickTestStack({ ...noEngine, wish: "containers" })).rejects.toThrow(
    "TEST_STACK=containers cannot be had: no container engine answers.",
  );
});

test("another TEST_STACK is refused", async () => {
  await expect(pickTestStack({ ...noEngine, wish: "docker" })).rejects.toThrow('"local" or "containers"');
});
