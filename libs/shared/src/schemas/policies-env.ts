import { z } from "zod";

/**
 * Read by all three services: ingest validates overrides, the worker picks the strategy, the conflict service calls
 * hooks.
 */
export const policiesEnv = {
  POLICIES: z
    .string()
    .optional()
    .describe(
      "A module whose default export holds the conflict policy of each collection; the same module for all three services. If unset, every conflict is merged",
    ),
} as const;
