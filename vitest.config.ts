import { defineConfig } from "vitest/config";

// Workspace packages are read from their sources, so that no build is needed. The rest are the defaults of Vite.
const conditions = ["@syncline/source", "module", "node", "development|production"];

const all = ["libs", "services", "stack", "examples", "k8s", "observability", "tests", "bench"].map(
  (folder) => `${folder}/**/*.test.ts`,
);
/** Tests that need Postgres and Redis say so by their name or place; all others run without a stack. */
const needStores = ["**/*.{pg,redis,stack}.test.ts", "tests/**/*.test.ts"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } }, // for the tests
  environments: { __vitest__: { resolve: { conditions } } }, // for their global set-up
  test: {
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: all,
          exclude: ["**/node_modules/**", "**/dist/**", ...needStores],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "stack",
          include: needStores,
          exclude: ["**/node_modules/**", "**/dist/**"],
          globalSetup: ["stack/src/testing/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
