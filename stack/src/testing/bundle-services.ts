import { pathToFileURL } from "node:url";
import { rolldown, type Plugin } from "rolldown";
import { REPOSITORY } from "../repository.ts";
import { bundledPrograms, type ServicePrograms } from "../service-programs.ts";
import { requireProvided } from "./test-database.ts";

/** The services, and the programs that they start in threads and processes of their own. */
const ENTRIES = {
  ingest: "services/ingest/src/main.ts",
  conflict: "services/conflict/src/main.ts",
  worker: "services/worker/src/main.ts",
  "body-thread": "services/ingest/src/io/body-thread.ts",
  "run-task-process": "services/conflict/src/io/run-task-process.ts",
  "run-hook-process": "services/conflict/src/io/run-hook-process.ts",
};

/**
 * Bundles the services with their dependencies into a folder, for the many starts of a run of tests: loading a thousand
 * modules takes longer than the rest of a start. Stack traces name the sources.
 */
export async function bundleServices(folder: string): Promise<void> {
  const bundle = await rolldown({
    cwd: REPOSITORY,
    platform: "node",
    input: ENTRIES,
    resolve: { conditionNames: ["@syncline/source", "node"] },
    plugins: [keepOutside(), keepPlaceOfSources()],
    logLevel: "silent", // it would list each import cycle and `eval` of the dependencies
  });
  try {
    await bundle.write({ dir: folder, format: "esm", sourcemap: true });
  } finally {
    await bundle.close();
  }
}

/** The bundles of this run of tests. */
export function testedPrograms(): ServicePrograms {
  return bundledPrograms(requireProvided("bundleFolder"));
}

/**
 * Leaves some packages outside: the clients of the stores, so that tests/faults finds them, and `tinypool`, which starts
 * a program in its own folder.
 */
function keepOutside(): Plugin {
  return {
    name: "keep-outside",
    resolveId: {
      filter: { id: /^(pg|ioredis|tinypool)$/ },
      async handler(source, importer, options) {
        const found = await this.resolve(source, importer, { ...options, skipSelf: true });
        return found && { ...found, external: "absolute" };
      },
    },
  };
}

/**
 * Lets the sources find their SQL, Lua and migrations at their own place. Programs are found beside the bundle, in which
 * they are entries: their path is made with the extension of the module that starts them.
 */
function keepPlaceOfSources(): Plugin {
  return {
    name: "keep-place-of-sources",
    transform: {
      filter: { id: /\.ts$/, code: { include: "import.meta.url", exclude: "extname(import.meta.url)" } },
      handler: (code, id) => ({
        code: code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href)),
        map: null, // lines stay as they are
      }),
    },
  };
}
