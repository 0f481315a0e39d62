import { z } from "zod";

/** The variable of every process that uses the database. */
export const postgresEnv = {
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .describe("Postgres 15 or newer, as postgres://user:password@host:port/database"),
} as const;
