/** The container images that the tests run, by purpose. */
export const IMAGES = {
  postgres: "postgres:17-alpine",
  redis: "redis:7.4-alpine",
  /** Stops containers whose starter was killed. */
  reaper: "testcontainers/ryuk:0.14.0",
} as const;
