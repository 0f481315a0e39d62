import type { RequestHandler } from "express";
import { z } from "zod";
import { fieldProblem, type Problem } from "@syncline/shared/protocol";

/** A request with its URL as sent. */
interface Addressed {
  originalUrl: string;
}

/**
 * Reads the query string of a request. Each parameter must be known to the route, occur once and be well encoded: a
 * misspelled option is rejected.
 * @throws {@link Problem} `invalid-field`, naming the parameter
 */
export function readQuery<S extends z.ZodObject>(schema: S, request: Addressed): z.infer<S> {
  const given = new Map<string, string>();
  for (const [name, value] of pairsOf(request.originalUrl)) {
    if (!Object.hasOwn(schema.shape, name)) throw parameterProblem(name, unknownParameter(schema));
    if (given.has(name)) throw parameterProblem(name, "is given more than once");
    given.set(name, value);
  }
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw parameterProblem(String(issue?.path[0] ?? ""), issue?.message ?? "is not acceptable");
}

/** Rejects every query parameter, for routes that have none. */
export const requireNoQuery: RequestHandler = (request, _response, next) => {
  readQuery(NO_PARAMETERS, request);
  next();
};

const NO_PARAMETERS = z.object({});

function unknownParameter({ shape }: z.ZodObject): string {
  const known = Object.keys(shape);
  if (known.length === 0) return "is not a parameter of this route, which has none";
  return `is not a parameter of this route; it has ${known.join(", ")}`;
}

/** The parameters of a URL, in order. */
function* pairsOf(address: string): Generator<[name: string, value: string]> {
  const start = address.indexOf("?");
  if (start === -1) return;
  for (const pair of address.slice(start + 1).split("&")) {
    if (pair === "") continue;
    const end = pair.indexOf("=");
    const name = end === -1 ? pair : pair.slice(0, end);
    yield [decode(name, name), end === -1 ? "" : decode(pair.slice(end + 1), name)];
  }
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw parameterProblem(name, "is not percent-encoded UTF-8");
  }
}

function parameterProblem(name: string, message: string): Problem {
  return fieldProblem({ path: [name], message }, null);
}
