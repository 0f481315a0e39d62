import type { z } from "zod";

/**
 * Parses text that another process of Syncline wrote. Returns the value with all its fields, also those that a newer
 * version added; `undefined` if it is not JSON, or has another shape.
 */
export function readWire<T>(schema: z.ZodType<T>, text: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return schema.safeParse(value).success ? (value as T) : undefined;
}
