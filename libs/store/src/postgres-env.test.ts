import { expect, it } from "vitest";
import { z } from "zod";
import { readEnv } from "@syncline/kit/process";
import { postgresEnv } from "./postgres-env.ts";

const read = (env: NodeJS.ProcessEnv) => readEnv(z.object(postgresEnv), env);

it("reads the address of the database", () => {
  const DATABASE_URL = "postgres://user:password@localhost:5432/syncline";
  expect(read({ DATABASE_URL })).toStrictEqual({ DATABASE_URL });
});

it("says what is missing", () => {
  for (const env of [{}, { DATABASE_URL: "" }]) {
    expect(() => read(env)).toThrow(
      /DATABASE_URL is not set .*postgres:\/\/user:password@host:port\/database/,
    );
  }
});

it.each(["mysql://user:sesame@localhost/db", "sesame"])("rejects %s without repeating it", (DATABASE_URL) => {
  const reading = () => read({ DATABASE_URL });
  expect(reading).toThrow("DATABASE_URL is not usable");
  expect(reading).not.toThrow("sesame");
});
