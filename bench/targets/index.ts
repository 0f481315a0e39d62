import type { Target, TargetOptions } from "./target.ts";

/** By name, so that a process can be told which one to use. */
export const TARGETS = {
  limit: async (options: TargetOptions) => (await import("./limit.ts")).connectLimit(options),
  "limit-rmw": async (options: TargetOptions) => (await import("./limit-rmw.ts")).connectLimitRmw(options),
  "batch-api": async (options: TargetOptions) => (await import("./batch-api.ts")).connectBatchApi(options),
  parse: async (options: TargetOptions) => (await import("./parse.ts")).connectParse(options),
} satisfies Record<string, (options: TargetOptions) => Promise<Target>>;

export type TargetName = keyof typeof TARGETS;
