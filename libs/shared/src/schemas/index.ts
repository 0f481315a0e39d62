export * from "./batch.ts";
export * from "./conflict-query.ts";
export * from "./define-policies.ts";
export * from "./operation.ts";
export * from "./policies-env.ts";
export * from "./whole-number.ts";
