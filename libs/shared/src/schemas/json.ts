import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";

/** A JSON object. Its members are not checked: what comes from `JSON.parse` is JSON. */
export const jsonObjectSchema = z
  .custom<JsonObject>((value) => isJsonObject(value as Json), "must be a JSON object")
  .meta({ type: "object" });
/** Any JSON value. */
export const jsonSchema = z.custom<Json>((value) => value !== undefined, "is missing");
