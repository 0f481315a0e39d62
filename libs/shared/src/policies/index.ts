export * from "./define-policies.ts";
export * from "./fault-by-schema.ts";
