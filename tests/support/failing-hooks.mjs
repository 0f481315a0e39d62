// The policies of the example, and misbehaving hooks.
import { existsSync, writeFileSync } from "node:fs";
import example from "../../examples/policies/policies.mjs";

const resolveTimeoutMs = 500;

export default {
  ...example,
  collections: {
    ...example.collections,
    throwing: {
      resolve({ local }) {
        throw new RangeError(`secret ${local.title}`);
      },
    },
    rejecting: { resolve: async () => Promise.reject(new Error("secret")) },
    looping: {
      resolveTimeoutMs,
      resolve() {
        for (;;);
      },
    },
    stubborn: {
      resolveTimeoutMs: 60_000,
      resolve({ local }) {
        while (!existsSync(local.until));
        process.exit(1);
      },
    },
    silent: { resolveTimeoutMs, resolve: () => new Promise(() => {}) },
    exiting: { resolve: () => process.exit(1) },
    hungry: {
      resolveTimeoutMs: 20_000,
      resolve({ local }) {
        const eaten = [];
        for (;;) {
          eaten.push(new Array(100_000).fill(eaten.length));
          if (local.rss !== undefined) writeFileSync(local.rss, String(process.memoryUsage.rss()));
        }
      },
    },
    validating: {
      schema: {
        "~standard": {
          version: 1,
          vendor: "test",
          validate(document) {
            while (document.loops);
            if (document.throws) throw new RangeError(`secret ${document.title}`);
            return document.waits ? Promise.reject(new Error("secret")) : {};
          },
        },
      },
    },
    talking: { resolve: () => "local" },
    naming: { resolve: () => ({ document: { id: "another" } }) },
    dating: { resolve: () => ({ document: { at: new Date() } }) },
    slow: {
      resolveTimeoutMs: 60_000,
      resolve: async ({ local }) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return { document: { ...local, slow: true } };
      },
    },
  },
};
