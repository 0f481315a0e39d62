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
      name: "shared-ids-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/ids/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(ids)/" },
    },
    {
      name: "shared-errors-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/errors/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(errors|ids)/" },
    },
    {
      name: "shared-document-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/document/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(document|ids|errors)/" },
    },
    {
      name: "shared-merge-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/merge/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(merge|document|ids|errors)/" },
    },
    {
      name: "shared-protocol-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/protocol/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(protocol|document|merge|ids|errors)/" },
    },
    {
      name: "shared-yjs-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/yjs/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(yjs|document|merge|ids|errors)/" },
    },
    {
      name: "shared-operations-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/operations/", pathNot: "\\.test\\.ts$|/testing/" },
      to: {
        path: "^libs/shared/src/",
        pathNot: "^libs/shared/src/(operations|document|merge|protocol|yjs|ids|errors)/",
      },
    },
    {
      name: "shared-schemas-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/schemas/", pathNot: "\\.test\\.ts$|/testing/" },
      to: {
        path: "^libs/shared/src/",
        pathNot: "^libs/shared/src/(schemas|document|merge|protocol|operations|ids|errors)/",
      },
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
      to: { path: "^libs/shared/src/protocol/index\\.ts$", reachable: true },
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
