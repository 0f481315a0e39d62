import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { ApiDocument, FuzzRequest } from "./requests.ts";
import type { FuzzAnswer } from "./send-request.ts";

/** What any request may be answered, before it is known which route it is for. */
const ANYWHERE = new Set([400, 401, 403, 404, 405, 413]);
/** What Node itself answers, without a body of ours. */
const FROM_NODE = new Set([400, 408, 413, 431]);

/** Says what is wrong with an answer; `undefined` where nothing is. */
export type CheckAnswer = (request: FuzzRequest, answer: FuzzAnswer) => string | undefined;

/** Holds answers against the served document: no answer that it does not foresee, no body that it does not describe. */
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
    return validate(body) ? undefined : `its body is no ${name}: ${ajv.errorsText(validate.errors)}`;
  };

  return (request, { status, headers, text }) => {
    const contentType = String(headers["content-type"] ?? "");
    if (status === 503 && headers["retry-after"] !== undefined && isOverloaded(request, text))
      return undefined;
    if (status >= 500) return `it is ${status}`;
    if (request.method === "HEAD" || text === "") {
      const isRight =
        request.method === "OPTIONS" ? status === 204 : status === 200 || status === 304 || status >= 400;
      return isRight ? undefined : `it is ${status} without a body`;
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
    // An empty part of a path makes it another route's.
    if (/\/(\/|$)/.test(request.path.split("?")[0] ?? "")) return undefined;
    const schema = content["application/json"]?.schema;
    if (schema?.$ref === undefined || !contentType.startsWith("application/json")) return undefined;
    return faultOf(schema.$ref.split("/").at(-1) ?? "", text);
  };
}

/**
 * A bound that the requests themselves have come up against. All stores are there, and fewer answers stay open than may, so
 * that nothing is `unavailable`: that would be a failure of Postgres that nobody foresaw, which is answered the same way.
 */
function isOverloaded({ method }: FuzzRequest, text: string): boolean {
  return method === "HEAD" || text.includes('"type":"urn:syncline:problem:overloaded"');
}

/** The one route that clients do not know. */
function isOfConflictService({ route }: FuzzRequest): boolean {
  return route.endsWith("/decision");
}
