import {
  ENDPOINTS,
  PROBLEMS,
  type Endpoint,
  type EndpointName,
  type ProblemType,
} from "@syncline/shared/protocol";
import { idSchema } from "@syncline/shared/schemas";
import { z } from "zod";
import { CONTRACTS, SCHEMAS, type Contract } from "./contracts.ts";

type JsonSchema = Record<string, unknown>;

const schemaPath = (name: string): string => `#/components/schemas/${name}`;
const refTo = (name: string): JsonSchema => ({ $ref: schemaPath(name) });
const jsonOf = (schema: JsonSchema) => ({ "application/json": { schema } });

/** Problems that every route can answer with: unknown query parameters are rejected. */
const EVERYWHERE = ["invalid-field"] as const;
/** Problems of every route that needs a token. */
const COMMON_PROBLEMS = [
  "unauthorized",
  "workspace-forbidden",
  "role-insufficient",
  "share-exceeded",
  "internal",
  "unavailable",
  "overloaded",
] as const;

/**
 * Builds the API's OpenAPI 3.1 document. Its schemas are JSON Schemas written by zod: the ones that requests are parsed
 * with, and the ones of the answers.
 */
export function openApiDocument(): Record<string, unknown> {
  return {
    openapi: "3.1.1",
    info: {
      title: "Syncline",
      version: "1",
      description:
        "The server side of apps that keep working offline. docs/protocol.md explains the protocol.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths: pathsOf(Object.entries(ENDPOINTS) as [EndpointName, Endpoint][]),
    components: {
      schemas: { ...namedSchemas(), Problem: problemSchema() },
      securitySchemes: { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

function pathsOf(endpoints: readonly [EndpointName, Endpoint][]): Record<string, object> {
  const byPath = Map.groupBy(endpoints, ([, { path }]) => pathOf(path));
  return Object.fromEntries(
    [...byPath].map(([path, ofPath]) => [
      path,
      Object.fromEntries(
        ofPath.map(([name, endpoint]) => [endpoint.method, operationOf(endpoint, CONTRACTS[name])]),
      ),
    ]),
  );
}

/** Translates an Express path: `/a/:b` becomes `/a/{b}`. */
function pathOf(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

function operationOf({ method, path, role }: Endpoint, contract: Contract): Record<string, unknown> {
  const { summary, query, headers = {}, body, answers, problems } = contract;
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
      name,
      in: "path",
      required: true,
      schema: toJsonSchema(/^(batch|conflict)Id$/.test(name) ? z.uuid() : idSchema),
    })),
    ...(query === undefined ? [] : parametersOf(query)),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: "header",
      description,
      schema: { type: "string" },
    })),
  ];
  const all = [...(role === undefined ? [] : COMMON_PROBLEMS), ...EVERYWHERE, ...problems];
  return {
    operationId: `${method}${path === "/" ? "Root" : path.replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    ...(role === undefined
      ? { security: [] }
      : { security: [{ token: [] }], description: `Needs the role ${role} in the workspace.` }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: jsonOf(refTo(body)) } }),
    responses: responsesOf(answers, all),
  };
}

function responsesOf(
  answers: Contract["answers"],
  problems: readonly ProblemType[],
): Record<string, unknown> {
  const typesByStatus = Map.groupBy(problems, (type): number => PROBLEMS[type].status);
  const statuses = [...new Set([...Object.keys(answers).map(Number), ...typesByStatus.keys()])].sort(
    (a, b) => a - b,
  );
  return Object.fromEntries(
    statuses.map((status) => {
      const answer = answers[status];
      const types = typesByStatus.get(status) ?? [];
      const titles = types.map((type) => `\`${type}\`: ${PROBLEMS[type].title}`);
      const content = {
        ...(answer !== undefined && "schema" in answer ? jsonOf(refTo(answer.schema)) : {}),
        ...(answer !== undefined && "text" in answer ? { [answer.text]: {} } : {}),
        ...(types.length === 0 ? {} : { "application/problem+json": { schema: refTo("Problem") } }),
      };
      return [
        status,
        {
          description: [...(answer === undefined ? [] : [answer.description]), ...titles].join(". "),
          ...(Object.keys(content).length === 0 ? {} : { content }),
        },
      ];
    }),
  );
}

function parametersOf(query: z.ZodObject): object[] {
  const { properties = {}, required = [] } = toJsonSchema(query) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: { ...schema, ...defaultOf(query.shape[name]) },
  }));
}

/** Returns the value of an omitted parameter; the schema of the input does not show it. */
function defaultOf(parameter: z.ZodType | undefined): { default?: unknown } {
  const value = parameter?.safeParse(undefined).data;
  return value === undefined ? {} : { default: value };
}

function namedSchemas(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: "input", unrepresentable: "any", uri: schemaPath });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $id: _id, $schema: _schema, ...schema }]) => [
      id,
      schema as JsonSchema,
    ]),
  );
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return plain;
}

/** The schema of a problem (RFC 9457). */
function problemSchema(): JsonSchema {
  const text = { type: "string" };
  return {
    type: "object",
    properties: {
      type: { enum: Object.keys(PROBLEMS).map((type) => `urn:syncline:problem:${type}`) },
      title: text,
      status: { type: "integer" },
      retryable: {
        type: "boolean",
        description: "True if the same request can succeed later, without a change",
      },
      detail: text,
      operation: { ...text, description: "The `client_id` of the failing operation" },
      field: { ...text, description: "An RFC 6901 pointer into the body" },
      errors: {
        type: "array",
        description:
          "The first fault of each invalid operation, if several operations of a batch are invalid",
        items: {
          type: "object",
          properties: { index: { type: "integer" }, operation: text, field: text, detail: text },
          required: ["index", "field", "detail"],
          additionalProperties: false,
        },
      },
      snapshot: {
        ...text,
        description: "The snapshot from which a reader that cannot continue starts again",
      },
      current_version: { type: "integer" },
      conflict_status: text,
    },
    required: ["type", "title", "status", "retryable"],
    additionalProperties: false,
  };
}
