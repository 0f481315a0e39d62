import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { ApiDocument, FuzzRequest } from "./requests.ts";
import type { FuzzAnswer } from "./send-request.ts";

/** The statuses that any request may get before its route is known. */
const ANYWHERE = new Set([400, 401, 403, 404, 405, 413]);
/** The statuses that Node itself answers, without a problem body. */
const FROM_NODE = new Set([400, 408, 413, 431]);

/** Returns the fault of an answer; `undefined` if it has none. */
export type CheckAnswer = (request: FuzzRequest, answer: FuzzAnswer) => string | undefined;

/**
 * Checks answers against the served document: every status must be documented, and every body must match its schema.
 */
export function createCheckAnswer(document: ApiDocument): CheckAnswer {
  const ajv = new Ajv2020({ strict: false });
  // Both ways to import it are in use.
  (addFormats as unknown as { default: (ajv: Ajv2020) => void }).default(ajv);
  ajv.addSchema({ $id: "api", components: document.components }, "api");
  const validateByName = new Map<string, ValidateFunction>();
  const validateFor = (name: string): ValidateFunction => {
    const validate = validateByName.get(name) ?? ajv.compile({ $ref: `api#/components/schemas/${name}` });
    validateByName.set(name, validate);
    return validate;
  };
  const faultOf = (name: string, text: string): string | undefined => {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return "its body is not JSON";
    }
    const validate = validateFor(name);
    return validate(body) ? undefined : `its body does not match ${name}: ${ajv.errorsText(validate.errors)}`;
  };

  return (request, { status, headers, text }) => {
    const contentType = String(headers["content-type"] ?? "");
    if (status === 503 && headers["retry-after"] !== undefined && isOverloaded(request, text))
      return undefined;
    if (status >= 500) return `status ${status}`;
    if (request.method === "HEAD" || text === "") {
      const isRight =
        request.method === "OPTIONS" ? status === 204 : status === 200 || status === 304 || status >= 400;
      return isRight ? undefined : `status ${status} without a body`;
    }
    if (contentType.startsWith("application/problem+json")) {
      const foreseen = document.paths[request.route]?.[request.method.toLowerCase()]?.responses;
      if (foreseen !== undefined && !ANYWHERE.has(status) && !(status in foreseen)) {
        return `${status} is not in the document`;
      }
      return faultOf("Problem", text);
    }
    if (status >= 400 && FROM_NODE.has(status) && headers["x-request-id"] === undefined) return undefined;
    const content = document.paths[request.route]?.[request.method.toLowerCase()]?.responses[status]?.content;
    if (content === undefined)
      return isOfConflictService(request) ? undefined : `${status} with a body is not in the document`;
    // An empty path segment belongs to another route.
    if (/\/(\/|$)/.test(request.path.split("?")[0] ?? "")) return undefined;
    const schema = content["application/json"]?.schema;
    if (schema?.$ref === undefined || !contentType.startsWith("application/json")) return undefined;
    return faultOf(schema.$ref.split("/").at(-1) ?? "", text);
  };
}

/**
 * True if the answer names a limit that the requests themselves reached. All stores are up, and fewer streams are open
 * than allowed, so `unavailable` is a fault: an unexpected error of Postgres is answered the same way.
 */
function isOverloaded({ method }: FuzzRequest, text: string): boolean {
  return method === "HEAD" || text.includes('"type":"urn:syncline:problem:overloaded"');
}

/** The only route that clients do not use. */
function isOfConflictService({ route }: FuzzRequest): boolean {
  return route.endsWith("/decision");
}
