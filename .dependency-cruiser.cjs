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
      to: { path: "^(libs/(kit|lanes|store)|services|stack|examples)/" },
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
      name: "shared-kinds-import-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/kinds/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(kinds|merge|document|ids|errors)/" },
    },
    {
      name: "shared-protocol-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/protocol/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^libs/shared/src/", pathNot: "^libs/shared/src/(protocol|document|merge|ids|errors)/" },
    },
    {
      name: "shared-effects-import-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/effects/", pathNot: "\\.test\\.ts$|/testing/" },
      to: {
        path: "^libs/shared/src/",
        pathNot: "^libs/shared/src/(effects|document|merge|protocol|ids|errors)/",
      },
    },
    {
      name: "shared-yjs-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/yjs/", pathNot: "\\.test\\.ts$|/testing/" },
      to: {
        path: "^libs/shared/src/",
        pathNot: "^libs/shared/src/(yjs|effects|document|merge|protocol|ids|errors)/",
      },
    },
    {
      name: "shared-operations-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/operations/", pathNot: "\\.test\\.ts$|/testing/" },
      to: {
        path: "^libs/shared/src/",
        pathNot: "^libs/shared/src/(operations|effects|document|merge|kinds|protocol|yjs|ids|errors)/",
      },
    },
    {
      name: "shared-schemas-imports-lower-layers",
      severity: "error",
      from: { path: "^libs/shared/src/schemas/", pathNot: "\\.test\\.ts$|/testing/" },
      to: {
        path: "^libs/shared/src/",
        pathNot: "^libs/shared/src/(schemas|document|merge|protocol|effects|operations|ids|errors)/",
      },
    },
    {
      name: "core-is-pure",
      comment: "core/ takes and returns data; io/, jobs/ and routes/ do the I/O.",
      severity: "error",
      from: { path: "^services/[^/]+/src/core", pathNot: "\\.test\\.ts$" },
      to: {
        path: "(^|/)(io|jobs|routes)/",
      },
    },
    {
      name: "core-reaches-no-store",
      comment: "Not through another package either.",
      severity: "error",
      from: { path: "^services/[^/]+/src/core", pathNot: "\\.test\\.ts$" },
      to: { path: "(^|/)node_modules/(pg|ioredis|bullmq|express)/", reachable: true },
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
      name: "libs-know-no-service",
      severity: "error",
      from: { path: "^libs/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(services|stack|examples)/" },
    },
    {
      name: "kit-knows-no-store",
      comment: "libs/kit serves HTTP and runs a process: through no import does it reach Redis or Postgres.",
      severity: "error",
      from: { path: "^libs/kit/src", pathNot: "\\.test\\.ts$" },
      to: { path: "^libs/(lanes|store)/|(^|/)node_modules/(pg|ioredis|bullmq)/", reachable: true },
    },
    {
      name: "lanes-know-no-postgres",
      severity: "error",
      from: { path: "^libs/lanes/src", pathNot: "\\.test\\.ts$" },
      to: { path: "^libs/store/|(^|/)node_modules/(pg|express)/", reachable: true },
    },
    {
      name: "store-knows-no-redis",
      severity: "error",
      from: { path: "^libs/store/src", pathNot: "\\.test\\.ts$" },
      to: { path: "^libs/lanes/|(^|/)node_modules/(ioredis|bullmq|express)/", reachable: true },
    },
    {
      name: "no-circles-between-folders",
      comment: "A folder is read without the folders that depend on it.",
      severity: "error",
      scope: "folder",
      from: { path: "^(libs/(kit|lanes|store)|services)/", pathNot: "/testing$" },
      // Only tests import these.
      to: { circular: true, pathNot: "^stack/|/testing$" },
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
