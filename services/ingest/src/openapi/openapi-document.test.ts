import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "./openapi-document.ts";

const document = openApiDocument();
const paths = document["paths"] as Record<string, Record<string, { operationId: string; responses: object }>>;

describe("the OpenAPI document", () => {
  it("is valid, and each of its references resolves", async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    expect(() => validator.resolveRefs()).not.toThrow();
  });

  it("names every operation once", () => {
    const names = Object.values(paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId),
    );
    expect(names).toEqual([...new Set(names)]);
    for (const name of names) expect(name).toMatch(/^(get|post)[A-Za-z0-9]+$/);
  });

  it("describes a batch with the schema that requests are parsed with", () => {
    const { schemas } = document["components"] as { schemas: Record<string, Record<string, unknown>> };
    expect(schemas["Batch"]).toMatchObject({
      type: "object",
      required: ["workspace_id", "operations"],
      additionalProperties: false,
      properties: {
        workspace_id: { type: "string", minLength: 1, maxLength: 200 },
        atomic: { default: false },
      },
    });
  });
});
