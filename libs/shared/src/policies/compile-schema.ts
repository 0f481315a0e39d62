import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { JsonSchema, StandardSchema } from "../merge/document-schema.ts";
import { faultBySchema } from "./fault-by-schema.ts";

/** Runs a call within a time limit, and throws if it takes longer. */
export type RunBounded = <T>(call: () => T) => T;

/**
 * Compiles a collection's schema to one that validates within a time limit.
 * @throws TypeError if it can never be used: it is no schema, is asynchronous, or throws
 */
export function compileSchema(schema: StandardSchema | JsonSchema, bounded: RunBounded): StandardSchema {
  const { "~standard": standard } = isStandard(schema) ? schema : fromJsonSchema(schema);
  const compiled: StandardSchema = {
    "~standard": { ...standard, validate: (value) => bounded(() => standard.validate(value)) },
  };
  const fault = faultBySchema(compiled, {});
  if (fault?.kind === "failure") throw new TypeError(fault.message);
  return compiled;
}

function isStandard(schema: StandardSchema | JsonSchema): schema is StandardSchema {
  return typeof schema["~standard"]?.validate === "function";
}

function fromJsonSchema(schema: JsonSchema): StandardSchema {
  // An unknown keyword is a fault; a schema without `type` is none.
  const ajv = new Ajv2020({ allErrors: true, strictTypes: false, strictTuples: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  return {
    "~standard": {
      version: 1,
      vendor: "ajv",
      validate(value) {
        const result: unknown = validate(value);
        if (typeof result !== "boolean") return result as Promise<object>;
        return result ? {} : { issues: (validate.errors ?? []).map(issueOf) };
      },
    },
  };
}

function issueOf({ instancePath, message = "is invalid", params }: ErrorObject): {
  message: string;
  path: string[];
} {
  const steps = instancePath.split("/").slice(1);
  const path = steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const unknown: unknown = params["additionalProperty"] ?? params["unevaluatedProperty"];
  return { path: typeof unknown === "string" ? [...path, unknown] : path, message };
}
