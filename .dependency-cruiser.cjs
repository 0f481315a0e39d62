/** Rules that keep pure code free of I/O and packages independent. */
module.exports = {
  forbidden: [
    {
      name: "no-circular",
      comment: "Circular imports make a module impossible to read or load alone.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "shared-is-pure",
      comment: "libs/shared runs in a browser: no I/O, no Node.",
      severity: "error",
      from: { path: "^libs/shared/src", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "shared-stands-alone",
      severity: "error",
      from: { path: "^libs/shared/src", pathNot: "\\.test\\.ts$" },
      to: { path: "^(libs/runtime|services|stack|examples)/" },
    },
    {
      name: "core-is-pure",
      comment: "core/ takes and returns data; io/, jobs/ and routes/ do the I/O.",
      severity: "error",
      from: { path: "^services/[^/]+/src/core", pathNot: "\\.test\\.ts$" },
      to: {
        path: "(^|/)(io|jobs|routes)/|node_modules/(pg|ioredis|bullmq|express)/",
        pathNot: "node_modules/@",
      },
    },
    {
      name: "core-needs-no-node",
      severity: "error",
      from: { path: "^services/[^/]+/src/core", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "services-are-apart",
      comment: "Services communicate through Redis, Postgres and HTTP, never by imports.",
      severity: "error",
      from: { path: "^services/([^/]+)/" },
      to: { path: "^services/([^/]+)/", pathNot: "^services/$1/" },
    },
    {
      name: "runtime-knows-no-service",
      severity: "error",
      from: { path: "^libs/runtime/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(services|stack|examples)/" },
    },
    {
      name: "examples-stand-alone",
      comment: "An example checks the system from outside.",
      severity: "error",
      from: { path: "^examples/" },
      to: { path: "^(libs|services|stack)/" },
    },
  ],
  required: [
    {
      name: "modules-were-seen",
      comment: "Fails if the checker follows no import at all.",
      severity: "error",
      module: { path: "^services/worker/src/main\\.ts$" },
      to: { path: "^libs/shared/src/index\\.ts$", reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@syncline/source", "import", "types", "node", "default"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
