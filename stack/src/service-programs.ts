import { join } from "node:path";

/** The services, by their folder. */
export type ServiceName = "ingest" | "conflict" | "worker";

/** The command line and environment with which Node runs a service's program. */
export interface ServiceProgram {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export type ServicePrograms = (service: ServiceName) => ServiceProgram;

const SOURCE_FLAGS = ["--conditions=@syncline/source", "--disable-warning=ExperimentalWarning"];

/** The sources, as `npm start` runs them. */
export const sourcePrograms: ServicePrograms = (service) => ({
  args: [...SOURCE_FLAGS, join("services", service, "src/main.ts")],
});

/** The output of `npm run build`, as the images run it. */
export const builtPrograms: ServicePrograms = (service) => ({
  args: [join("services", service, "dist/main.js")],
});

/** The bundles in a folder, as `bundleServices` writes them. */
export function bundledPrograms(folder: string): ServicePrograms {
  return (service) => ({
    // A module of policies is no part of the bundle: it may import the sources.
    args: [...SOURCE_FLAGS, "--enable-source-maps", join(folder, `${service}.js`)],
    // To read the compiled code of a whole bundle takes longer than to compile the part that runs.
    env: { NODE_DISABLE_COMPILE_CACHE: "1" },
  });
}
