import fc from "fast-check";
import { oddJson, oddText } from "./odd-values.ts";

/** The part of JSON Schema that the served document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  oneOf?: Schema[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  format?: string;
}

export type FindSchema = (ref: string) => Schema;

/** One value in this number violates the schema. */
const ODD_ONE_IN = 25;

/** Generates values of a schema, with occasional violations at any depth. */
export function valuesOf(schema: Schema, find: FindSchema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: ODD_ONE_IN - 1, arbitrary: plainValuesOf(schema, find) },
    { weight: 1, arbitrary: oddJson },
  );
}

function plainValuesOf(schema: Schema, find: FindSchema): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return plainValuesOf(find(schema.$ref), find);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => plainValuesOf(choice, find)));
  const [type = ""] = [schema.type ?? []].flat();
  switch (type) {
    case "object":
      return schema.properties === undefined ? documents : objectsOf(schema, find);
    case "array":
      return fc.array(schema.items === undefined ? oddJson : valuesOf(schema.items, find), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 6, 6),
      });
    case "string":
      return stringsOf(schema);
    case "integer":
      return fc.oneof(
        fc.constantFrom(schema.minimum ?? 0, Math.min(schema.maximum ?? 100, 100)),
        fc.integer({ min: Math.max(schema.minimum ?? -5, -5), max: Math.min(schema.maximum ?? 100, 100) }),
      );
    case "number":
      return fc.constantFrom(0, 0.01, 0.5);
    case "boolean":
      return fc.boolean();
    default:
      return oddJson;
  }
}

function objectsOf({ properties = {}, required = [] }: Schema, find: FindSchema): fc.Arbitrary<unknown> {
  const values = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, find)]),
  );
  const good = fc.record(values, { requiredKeys: required.filter((name) => name in values) });
  return fc.oneof(
    { weight: 20, arbitrary: good },
    // A surplus or a missing key.
    {
      weight: 1,
      arbitrary: fc
        .tuple(good, oddText, oddJson)
        .map(([object, key, value]) => ({ ...object, [key]: value })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(good, fc.constantFrom(...Object.keys(properties))).map(([object, key]) => {
        const { [key]: _, ...rest } = object;
        return rest;
      }),
    },
  );
}

function stringsOf({ format, minLength = 0, maxLength = 200 }: Schema): fc.Arbitrary<string> {
  if (format === "uuid") return fc.uuid();
  if (format === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("a", "b", "documents", "notes") },
    { weight: 1, arbitrary: fc.string({ minLength, maxLength: Math.min(maxLength, 30) }) },
    { weight: 1, arbitrary: oddText },
  );
}

/** A typical or an unusual document. */
const documents = fc.oneof(
  fc.record({ title: fc.string(), done: fc.boolean(), n: fc.integer() }, { requiredKeys: [] }),
  fc.dictionary(oddText, oddJson, { maxKeys: 4 }),
);
