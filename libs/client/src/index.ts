export type * from "./ports/index.ts";
export type * from "./public/client.ts";
export type * from "./public/documents.ts";
export * from "./public/errors.ts";
export type * from "./public/options.ts";
export type * from "./public/outcomes.ts";
export type * from "./public/query.ts";
export type * from "./public/status.ts";
