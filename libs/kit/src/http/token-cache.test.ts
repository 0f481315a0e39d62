import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { withTokenCache } from "./token-cache.ts";
import type { Identity } from "./token-verifier.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Accepts every token for the given time, except tokens that contain "no"; records the calls. */
function createVerifier(validMs: number) {
  const asked: string[] = [];
  const expiresAtMs = Date.now() + validMs;
  const verify = withTokenCache((authorization = ""): Promise<Identity> => {
    asked.push(authorization);
    if (authorization.includes("no")) return Promise.reject(new Error("refused"));
    if (Date.now() >= expiresAtMs) return Promise.reject(new Error("expired"));
    return Promise.resolve({ subject: authorization, roleByWorkspace: new Map(), expiresAtMs });
  });
  return { verify, asked };
}

it("verifies each token once", async () => {
  const { verify, asked } = createVerifier(600_000);
  for (const authorization of ["a", "b", "a", "b"])
    expect((await verify(authorization)).subject).toBe(authorization);
  expect(asked).toEqual(["a", "b"]);
});

it("verifies a token again after a minute", async () => {
  const { verify, asked } = createVerifier(600_000);
  await verify("a");
  await vi.advanceTimersByTimeAsync(61_000);
  await verify("a");
  expect(asked).toEqual(["a", "a"]);
});

it("rejects an expired token", async () => {
  const { verify } = createVerifier(10_000);
  await verify("a");
  await vi.advanceTimersByTimeAsync(9_000);
  await verify("a");
  await vi.advanceTimersByTimeAsync(1_001);
  await expect(verify("a")).rejects.toThrow("expired");
});

it("does not cache rejections", async () => {
  const { verify, asked } = createVerifier(600_000);
  await expect(verify("no")).rejects.toThrow("refused");
  await expect(verify("no")).rejects.toThrow("refused");
  expect(asked).toEqual(["no", "no"]);
});
