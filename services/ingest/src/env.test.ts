import { readEnv } from "@syncline/kit/process";
import { expect, it } from "vitest";
import { envSchema } from "./env.ts";

const GOOD = {
  DATABASE_URL: "postgres://user:password@127.0.0.1:5432/syncline",
  REDIS_URL: "redis://127.0.0.1:6379/0",
  CONFLICT_URL: "http://127.0.0.1:3001",
  JWT_SECRET: "6e0dc1f6a4f7b7b8d0a1c2e3f4a5b6c7d8e9",
  PORT: "3000",
};

it("accepts valid values", () => {
  const origins = { CORS_ORIGINS: "https://app.example.com, http://localhost:5173" };
  expect(readEnv(envSchema, { ...GOOD, ...origins, TRUST_PROXY: "1" })).toMatchObject({ PORT: 3000 });
});

it.each([
  ["CORS_ORIGINS", "app.example.com"],
  ["CORS_ORIGINS", "https://app.example.com/path"],
  ["CORS_ORIGINS", "https://*.example.com"],
  ["TRUST_PROXY", "true"],
  ["TRUST_PROXY", "everybody"],
  ["JWT_SECRET", ""],
  ["JWT_SECRET", "your-256-bit-secret-your-256-bit-secret"],
])("rejects %s=%s", (name, value) => {
  expect(() => readEnv(envSchema, { ...GOOD, [name]: value })).toThrow(`${name} is not`);
});
