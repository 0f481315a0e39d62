import fc from "fast-check";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { valuesOf, type FindSchema, type Schema } from "./from-schema.ts";
import { mutation } from "./mutate-text.ts";
import { oddJson, oddText } from "./odd-values.ts";

/** The part of a served OpenAPI document that the fuzzer reads. */
export interface ApiDocument {
  paths: Record<string, Record<string, ApiOperation>>;
  components: { schemas: Record<string, Schema> };
}

export interface ApiOperation {
  parameters?: { name: string; in: "path" | "query" | "header"; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}

/** Existing ids, so that not every request is a 404. */
export interface Fixtures {
  workspaceId: string;
  /** Values with which a parameter of this name finds data. */
  known: Readonly<Record<string, readonly string[]>>;
  /** By kind: valid, a reader's, expired, and so on. */
  tokens: Readonly<Record<string, string>>;
}

export interface FuzzRequest {
  service: "ingest" | "conflict";
  /** The document's route: `/api/v1/batches/{batchId}`. */
  route: string;
  method: string;
  /** The request's path, with the query. */
  path: string;
  headers: Record<string, string>;
  body: Buffer | undefined;
}

/** The routes that the conflict service answers itself, besides the one that only ingest calls. */
const CONFLICT_ROUTE = /\/conflicts(\/\{conflictId\}(\/preview)?)?$/;
const DECISION_ROUTE = "/api/v1/workspaces/{workspaceId}/conflicts/{conflictId}/decision";

/** Generates requests for every route of the document: most of their parts are valid. */
export function requestsOf(document: ApiDocument, fixtures: Fixtures): fc.Arbitrary<FuzzRequest> {
  const find: FindSchema = (ref) => document.components.schemas[ref.split("/").at(-1) ?? ""] ?? {};
  const operations = Object.entries(document.paths).flatMap(([route, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ route, method, operation })),
  );
  const arbitraries = operations.flatMap(({ route, method, operation }) => {
    const toIngest = requestOf({ service: "ingest", route, method, operation }, find, fixtures);
    const weight = operation.requestBody === undefined ? 2 : 10;
    if (!CONFLICT_ROUTE.test(route)) return [{ weight, arbitrary: toIngest }];
    const toConflict = requestOf({ service: "conflict", route, method, operation }, find, fixtures);
    return [toIngest, toConflict].map((arbitrary) => ({ weight: 1, arbitrary }));
  });
  const decision: ApiOperation = {
    parameters: [
      { name: "workspaceId", in: "path", schema: {} },
      { name: "conflictId", in: "path", schema: {} },
      { name: "choice", in: "query", schema: { enum: ["server", "local", "merged", "data"] } },
    ],
    responses: {},
  };
  const asked = { service: "conflict", route: DECISION_ROUTE, method: "get", operation: decision } as const;
  return fc.oneof(...arbitraries, { weight: 1, arbitrary: requestOf(asked, find, fixtures) });
}

interface Target {
  service: FuzzRequest["service"];
  route: string;
  method: string;
  operation: ApiOperation;
}

function requestOf(
  { service, route, method, operation }: Target,
  find: FindSchema,
  fixtures: Fixtures,
): fc.Arbitrary<FuzzRequest> {
  const { parameters = [], requestBody } = operation;
  const pathParameters = parameters.filter((parameter) => parameter.in === "path");
  const queryParameters = parameters.filter((parameter) => parameter.in === "query");
  const bodySchema = requestBody?.content["application/json"]?.schema;
  return fc
    .record({
      method: mostly(
        method.toUpperCase(),
        fc.constantFrom("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "POST"),
        50,
      ),
      inPath: fc.tuple(...pathParameters.map(({ name }) => pathValue(name, fixtures))),
      query: queryOf(queryParameters, find),
      headers: headersOf(fixtures),
      body: bodySchema === undefined ? fc.constant(undefined) : bodiesOf(bodySchema, find, fixtures),
    })
    .map(({ method, inPath, query, headers, body }) => {
      const path = pathParameters.reduce(
        (path, { name }, index) => path.replace(`{${name}}`, () => inPath[index] ?? ""),
        route,
      );
      return {
        service,
        route,
        method,
        path: path + query,
        headers: { ...(body === undefined ? {} : body.headers), ...headers },
        body: body?.bytes,
      };
    });
}

/** Returns the usual value, and occasionally another one. */
function mostly<T>(usual: T, other: fc.Arbitrary<T>, oneIn: number): fc.Arbitrary<T> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
}

function pathValue(name: string, { known }: Fixtures): fc.Arbitrary<string> {
  const odd = fc.oneof(
    { weight: 4, arbitrary: oddText.map(percentEncode) },
    // Unencoded, as far as a request line can hold it.
    { weight: 1, arbitrary: oddText.map((text) => text.replace(/[^\x21-\x7e]|[?#]/g, "")) },
  );
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...(known[name] ?? ["a"])).map(percentEncode) },
    { weight: 1, arbitrary: odd },
  );
}

/** A cursor of a listing in the server's format, but with made-up content. */
const madeUpCursor = fc
  .oneof(
    fc.tuple(fc.constantFrom(0, 1, -1, Number.MAX_SAFE_INTEGER), oddText, oddText),
    fc.tuple(oddText, fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER), oddText, oddText),
    oddJson,
  )
  .map((place) => Buffer.from(JSON.stringify(place)).toString("base64url"));

function queryOf(
  parameters: NonNullable<ApiOperation["parameters"]>,
  find: FindSchema,
): fc.Arbitrary<string> {
  const pairs = parameters.map(({ name, schema }) =>
    fc
      .option(
        fc.oneof(
          { weight: 24, arbitrary: valuesOf(schema, find) },
          { weight: 2, arbitrary: oddText },
          { weight: 1, arbitrary: madeUpCursor },
        ),
      )
      .map((value) => (value === null ? [] : [`${name}=${percentEncode(textOf(value))}`])),
  );
  // Routes reject unknown parameters.
  const extra = mostly<[string, string] | null>(null, fc.tuple(oddText, oddText), 20);
  const query = fc.tuple(fc.tuple(...pairs), extra, fc.nat(40)).map(([named, stray, twice]) => {
    const all = [...named.flat(), ...(stray === null ? [] : [stray.map(percentEncode).join("=")])];
    if (twice === 0 && all[0] !== undefined) all.push(all[0]);
    return all.length === 0 ? "" : `?${all.join("&")}`;
  });
  // With many parameters one of them is nearly always invalid.
  return parameters.some(({ required }) => required) ? query : fc.oneof(fc.constant(""), query);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A header can hold bytes, but no line breaks. */
const headerValue = oddText.map((text) => text.slice(0, 2_000).replace(/[^\t\x20-\x7e\x80-\xff]/g, "?"));

function headersOf({ tokens }: Fixtures): fc.Arbitrary<Record<string, string>> {
  const { good = "", ...others } = tokens;
  const authorization = fc.oneof(
    { weight: 20, arbitrary: fc.constant(`Bearer ${good}`) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.values(others)).map((token) => `Bearer ${token}`) },
    { weight: 1, arbitrary: headerValue },
  );
  const odd = fc.record(
    {
      prefer: fc.oneof(
        {
          weight: 5,
          arbitrary: fc.constantFrom(
            "respond-async",
            "wait=0",
            "wait=1",
            "wait=1, respond-async",
            "return=minimal",
          ),
        },
        { weight: 1, arbitrary: headerValue },
      ),
      "x-request-id": headerValue,
      traceparent: headerValue,
      "if-none-match": fc.oneof(fc.constantFrom('"1"', "*", 'W/"2"'), headerValue),
      "last-event-id": fc.oneof(fc.constantFrom("0", "1:1", "999999999999999:1"), headerValue),
      accept: headerValue,
      range: fc.constantFrom("bytes=0-1", "bytes=9-1"),
      "x-http-method-override": fc.constant("DELETE"),
      origin: headerValue,
      cookie: headerValue,
      "x-forwarded-for": headerValue,
    },
    { requiredKeys: [] },
  );
  return fc.tuple(authorization, mostly<Record<string, string>>({}, odd, 3)).map(([token, more]) => ({
    authorization: token,
    ...more,
  }));
}

interface Body {
  bytes: Buffer;
  headers: Record<string, string>;
}

function bodiesOf(schema: Schema, find: FindSchema, fixtures: Fixtures): fc.Arbitrary<Body> {
  const isBatch = schema.$ref?.endsWith("/Batch") === true;
  const values = isBatch
    ? fc.oneof(
        { weight: 3, arbitrary: batchesOf(fixtures) },
        { weight: 2, arbitrary: valuesOf(schema, find).map((value) => inWorkspace(value, fixtures)) },
      )
    : valuesOf(schema, find);
  return fc
    .tuple(
      values,
      fc.oneof(
        { weight: 3, arbitrary: fc.constant((text: string) => text) },
        { weight: 2, arbitrary: mutation },
      ),
      encoding,
    )
    .map(([value, mutate, encode]) => encode(Buffer.from(mutate(JSON.stringify(value) ?? ""))));
}

/** Otherwise nearly every generated request would be for an unknown workspace. */
function inWorkspace(value: unknown, { workspaceId }: Fixtures): unknown {
  const isBatch = typeof value === "object" && value !== null && "workspace_id" in value;
  return isBatch && typeof value.workspace_id === "string" ? { ...value, workspace_id: workspaceId } : value;
}

/** Generates batches as a device sends them, on few documents, so that they conflict. */
function batchesOf({ workspaceId, known }: Fixtures): fc.Arbitrary<unknown> {
  const id = fc.constantFrom(...(known["documentId"] ?? ["doc"]));
  const data = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), {
        maxKeys: 5,
      }),
    },
    { weight: 1, arbitrary: fc.dictionary(oddText, oddJson, { maxKeys: 3 }) },
  );
  const optional = fc.record(
    {
      expected_version: fc.constantFrom(0, 1, 2, 1000),
      collection: fc.constantFrom("documents", "notes"),
      timestamp: fc.constantFrom(0, 1_764_000_000_000, Number.MAX_SAFE_INTEGER),
      group: fc.constantFrom("g1", "g2"),
      priority: fc.constantFrom("immediate", "low"),
      on_conflict: fc.constantFrom("merge", "report", "manual", "client-wins"),
      ancestor: data,
    },
    { requiredKeys: [] },
  );
  const patch = fc.array(
    fc.record({
      op: fc.constantFrom("add", "remove", "replace", "test"),
      path: fc.oneof(
        fc.constantFrom("", "/a", "/a/0", "/-", "/a/-", "/a~1b/~0"),
        oddText.map((text) => `/${text}`),
      ),
      value: oddJson,
    }),
    { maxLength: 4 },
  );
  const operation = fc
    .tuple(
      fc.constantFrom("create", "put", "update", "patch", "delete"),
      id,
      data,
      patch,
      optional,
      fc.uuid({ version: 7 }),
    )
    .map(([kind, document_id, data, patch, more, client_id]) => ({
      operation: kind === "patch" ? "update" : kind,
      client_id,
      document_id,
      ...(kind === "delete" ? {} : kind === "patch" ? { patch } : { data }),
      ...more,
    }));
  return fc.record(
    {
      workspace_id: fc.constant(workspaceId),
      device_id: fc.constantFrom("one", "two", "three"),
      operations: fc.array(operation, { minLength: 1, maxLength: 6 }),
      on_conflict: fc.constantFrom(
        "merge",
        "report",
        "manual",
        "client-wins",
        "server-wins",
        "last-write-wins",
      ),
      atomic: fc.boolean(),
      epoch: fc.constantFrom("another"),
    },
    { requiredKeys: ["workspace_id", "operations"] },
  );
}

type Encode = (bytes: Buffer) => Body;
const JSON_TYPE = { "content-type": "application/json" };

const encoding: fc.Arbitrary<Encode> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Encode>((bytes) => ({ bytes, headers: JSON_TYPE })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Encode>(
      (bytes) => ({ bytes: gzipSync(bytes), headers: { ...JSON_TYPE, "content-encoding": "gzip" } }),
      (bytes) => ({ bytes: deflateSync(bytes), headers: { ...JSON_TYPE, "content-encoding": "deflate" } }),
      (bytes) => ({ bytes: brotliCompressSync(bytes), headers: { ...JSON_TYPE, "content-encoding": "br" } }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Encode>(
      // The declared encoding is wrong.
      (bytes) => ({ bytes, headers: { ...JSON_TYPE, "content-encoding": "gzip" } }),
      (bytes) => ({ bytes: gzipSync(bytes), headers: JSON_TYPE }),
      (bytes) => ({
        bytes: gzipSync(bytes).subarray(0, -9),
        headers: { ...JSON_TYPE, "content-encoding": "gzip" },
      }),
      (bytes) => ({
        bytes: gzipSync(gzipSync(bytes)),
        headers: { ...JSON_TYPE, "content-encoding": "gzip, gzip" },
      }),
      (bytes) => ({ bytes, headers: { ...JSON_TYPE, "content-encoding": "zstd" } }),
      (bytes) => ({ bytes, headers: { "content-type": "text/plain" } }),
      (bytes) => ({ bytes, headers: { "content-type": "application/json; charset=utf-16" } }),
      (bytes) => ({ bytes, headers: {} }),
    ),
  },
);

/**
 * Percent-encodes all but the simplest characters, byte by byte; half a surrogate pair as the bytes of its code point.
 */
function percentEncode(text: string): string {
  return Array.from(text)
    .map((character) => {
      if (/[A-Za-z0-9._~-]/.test(character)) return character;
      const unit = character.charCodeAt(0);
      const isHalf = character.length === 1 && unit >= 0xd800 && unit <= 0xdfff;
      const bytes = isHalf
        ? [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]
        : [...Buffer.from(character)];
      return bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    })
    .join("");
}
