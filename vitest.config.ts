import { defineConfig } from "vitest/config";
import { PATIENCE_MS } from "./tests/support/patience.ts";

// Workspace packages are read from their sources, so that no build is needed. The other conditions are Vite's defaults.
const conditions = ["@syncline/source", "module", "node", "development|production"];

const all = [
  "libs",
  "services",
  "stack",
  "examples",
  "k8s",
  "observability",
  "scripts",
  "tests",
  "bench",
].map((folder) => `${folder}/**/*.test.ts`);
/** Long tests, which load both cores by themselves; `npm run test:proofs` runs them. */
const proofs = "**/*.proof.test.ts";
/** Tests that need Postgres and Redis, by their name or folder; all others run without a stack. */
const needStores = ["**/*.{pg,redis,stack}.test.ts", "tests/**/*.test.ts"];
/** Tests in Chromium; `npm run test:browser` runs them. */
const inBrowsers = "**/*.browser.test.ts";
const nowhere = ["**/node_modules/**", "**/dist/**"];

// Time limits only end hanging tests: a slow or busy machine must pass, too.
const patient = {
  testTimeout: 5 * PATIENCE_MS,
  hookTimeout: 5 * PATIENCE_MS,
  teardownTimeout: PATIENCE_MS,
  expect: { poll: { timeout: PATIENCE_MS } },
};
const onStores = { ...patient, globalSetup: ["stack/src/testing/global-setup.ts"] };
/** One more than the cores of a small machine: tests wait for services, disks and time limits. */
const maxWorkers = 3;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } }, // for the tests
  environments: { __vitest__: { resolve: { conditions } } }, // for their global set-up
  test: {
    // Files share their loaded modules: no test mocks modules, and loading them anew for each file takes half the time.
    isolate: false,
    // Prints failures with their reasons, and no output of passed tests.
    reporters: ["dot"],
    silent: "passed-only",
    teardownTimeout: PATIENCE_MS,
    projects: [
      {
        extends: true,
        test: {
          ...patient,
          name: "unit",
          include: all,
          exclude: [...nowhere, ...needStores],
          maxWorkers,
        },
      },
      {
        extends: true,
        test: {
          ...onStores,
          name: "stack",
          include: needStores,
          exclude: [...nowhere, proofs, inBrowsers],
          maxWorkers,
        },
      },
      {
        extends: true,
        test: {
          ...onStores,
          name: "browser",
          include: [inBrowsers],
          exclude: nowhere,
          // One at a time: Chromium and a whole system load both cores.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...onStores,
          name: "proofs",
          include: [proofs],
          exclude: nowhere,
          // One at a time: each loads both cores by itself.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
