export * from "./define-policies.ts";
