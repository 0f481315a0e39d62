import type { z } from "zod";

/** No further argument if the schema describes all of `T`; otherwise one that no caller can pass. */
type Complete<T, S extends z.ZodType<T>> = [T] extends [z.infer<S>]
  ? Exclude<keyof T, keyof z.infer<S>> extends never
    ? []
    : [missing: Exclude<keyof T, keyof z.infer<S>>]
  : [missing: Exclude<T, z.infer<S>>];

/**
 * Takes a schema of exactly `T`. It does not compile if the schema accepts a value that `T` does not have, and neither
 * if it lacks a field, or one of a field's values: a status, an operation kind or an error type that is added to the
 * type has to be added to the schema, and so to OpenAPI.
 */
export function exactly<T>() {
  return <S extends z.ZodType<T>>(schema: S, ..._complete: Complete<T, S>): S => schema;
}
