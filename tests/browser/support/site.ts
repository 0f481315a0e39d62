import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, preview } from "vite";

export interface Site {
  /** The origin of the page, such as `http://localhost:40123`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Bundles the page, as an app would, and serves it. */
export async function serveSite(): Promise<Site> {
  const root = join(import.meta.dirname, "../page");
  const outDir = mkdtempSync(join(tmpdir(), "syncline-page-"));
  const common = {
    root,
    configFile: false,
    logLevel: "silent",
    build: { outDir, emptyOutDir: true },
  } as const;
  await build({ ...common, resolve: { conditions: ["@syncline/source", "module", "browser"] } });
  const server = await preview({ ...common, preview: { port: 0, host: "localhost" } });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error("The page's server has no address");
  return {
    origin: new URL(url).origin,
    async close() {
      await server.close();
      rmSync(outDir, { recursive: true });
    },
  };
}
