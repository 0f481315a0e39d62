import { randomUUID } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import { dispositionOf, BATCH_BYTES_MAX, Problem } from "@syncline/shared/protocol";
import { idSchema } from "@syncline/shared/schemas";
import express, {
  type NextFunction,
  type Request,
  type Response,
  type ErrorRequestHandler,
  type Express,
} from "express";
import helmet from "helmet";
import { createAuditLog, type Logger } from "../telemetry/log.ts";
import { createCompressBody } from "./compress-answers.ts";
import { createCors } from "./cors.ts";
import { behind, type Middleware } from "./middleware.ts";
import { guardMethods } from "./require-method.ts";
import { requestIdOf, setIdentity, setNetwork, setRequestId, subjectOf } from "./request-context.ts";
import type { Identity, VerifyToken } from "./token-verifier.ts";
import { clientNetworkOf, type TrustProxy } from "./client-address.ts";
import { createRefusalTrail } from "./refusal-trail.ts";
import { createTraceRequest } from "./trace-request.ts";
import { sendProblem } from "./send-problem.ts";
import { createMeasureRequest } from "./measure-request.ts";

interface Parts {
  verifyToken: VerifyToken;
  health: Middleware;
  /** Rejects requests over the limit with a problem, before any work is done for them. Runs after the health routes. */
  admit?: Middleware;
  /** Checks a request after its token was verified; throws a problem to reject it. */
  admitIdentified?: (response: Response) => void;
  /** Runs the rest of a request on behalf of its verified identity: it sees what this identity may see. */
  runAs: (identity: Identity, next: () => void) => void;
  /** Adds the service's own routes, all behind the token check. */
  addRoutes: (app: Express) => void;
  /** The origins whose pages may use the API, as {@link createCors} reads them; none by default. */
  corsOrigins?: readonly string[] | undefined;
  /** The proxies whose `X-Forwarded-For` is trusted, as Express' `trust proxy` takes them. */
  trustProxy?: string | undefined;
  log: Logger;
}

/**
 * The headers that matter for JSON responses, as OWASP recommends for REST. The other defaults of helmet are for pages
 * and would be in every response: https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html
 */
const secureHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  xFrameOptions: { action: "deny" },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xPoweredBy: false,
  xXssProtection: false,
});

/**
 * Creates the request handler that every HTTP service shares: health, secure headers, request ids, traces, the token
 * check and problems. Requests rejected by `admit` do not reach Express: under overload they are the majority and must
 * cost little.
 */
export function createApp({
  verifyToken,
  health,
  admit,
  admitIdentified,
  runAs,
  addRoutes,
  corsOrigins = [],
  trustProxy,
  log,
}: Parts): RequestListener {
  const app = express();
  app.disable("etag").disable("x-powered-by").set("query parser", false);
  // A number is a count of proxies; any other text names them.
  if (trustProxy !== undefined)
    app.set("trust proxy", /^\d+$/.test(trustProxy) ? Number(trustProxy) : trustProxy);
  // The body ends in a newline, so that a terminal's prompt stands on a line of its own.
  app.response.json = function (this: Response, body: unknown) {
    return this.type("json").send(`${JSON.stringify(body)}\n`);
  };
  const { send } = app.response;
  const compressBody = createCompressBody();
  app.response.send = function (this: Response, body: string | Buffer) {
    compressBody(this, body, (encoded) => send.call(this, encoded));
    return this;
  };
  app.use(createTraceRequest());
  const methodGuard = express.Router();
  app.use(methodGuard);
  // Before any body is read.
  app.use("/api/v1", async (request, response, next) => {
    const identity = await verifyToken(request.get("authorization"));
    setIdentity(response, identity);
    admitIdentified?.(response);
    response.set("cache-control", "no-store");
    runAs(identity, next);
  });
  for (const name of ["workspaceId", "collection", "documentId", "clientId"]) app.param(name, requireId);
  addRoutes(app);
  guardMethods(methodGuard, app);
  app.use((request) => {
    throw new Problem("not-found", { detail: `No route for ${request.method} ${request.path}` });
  });
  app.use(answerProblem(log));

  const trust = app.get("trust proxy fn") as TrustProxy;
  const nameNetwork: Middleware = (request, response, next) => {
    setNetwork(response, clientNetworkOf(request, trust));
    next();
  };
  const middlewares: Middleware[] = [
    health,
    secureHeaders,
    nameRequest,
    nameNetwork,
    createMeasureRequest(),
    ...createCors(corsOrigins),
  ];
  if (admit !== undefined) middlewares.push(admit);
  return behind(middlewares, (request, response) =>
    // Express replaces the prototypes of both.
    app(request as Request, response as Response, () => answerLeftOver(response)),
  );
}

/** Handles requests that Express passes on: a malformed URL, or a response that broke off. */
function answerLeftOver(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else sendProblem(response, new Problem("not-found", { detail: "Malformed URL" }));
}

/** Answers 404 to a malformed id: no resource can have it. */
function requireId(_request: Request, _response: Response, next: NextFunction, id: string): void {
  if (!idSchema.safeParse(id).success) throw new Problem("not-found", { detail: "Invalid id" });
  next();
}

/** Gives each request an id for logs and the ledger: the client's own `x-request-id` if it sent a valid one. */
const nameRequest: Middleware = (request, response, next) => {
  const given = request.headers["x-request-id"];
  const requestId = typeof given === "string" && /^[\x21-\x7e]{1,200}$/.test(given) ? given : randomUUID();
  setRequestId(response, requestId);
  response.setHeader("x-request-id", requestId);
  next();
};

/** The only place that turns an error into a response. */
function answerProblem(log: Logger): ErrorRequestHandler {
  const noteRefusal = createRefusalTrail(createAuditLog(log));
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = toProblem(error);
    if (problem.status === 401 || problem.status === 403) {
      const { method, path, ip: from } = request;
      const subject = subjectOf(response);
      const requestId = requestIdOf(response);
      noteRefusal({ requestId, subject, from, method, path: path.slice(0, 300), reason: problem.message });
    }
    // Under overload these lines would be too many.
    if (problem.status >= 500 && problem.type !== "overloaded") {
      const level = problem.type === "internal" ? "error" : "warn";
      log[level]({ err: error, requestId: requestIdOf(response) }, problem.message);
    }
    sendProblem(response, problem);
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const disposition = dispositionOf(error);
  if (disposition === "retry" || disposition === "deployment") {
    return new Problem("unavailable", {
      detail: "A store cannot be reached; retry the request",
      retryAfterSeconds: 1,
    });
  }
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  if (status === 413)
    return new Problem("too-large", { detail: `The body exceeds ${BATCH_BYTES_MAX} bytes` });
  if (status === 415)
    return new Problem("unsupported-media-type", { detail: "The body's encoding is not supported" });
  if (typeof status === "number" && status >= 400 && status < 500) {
    return new Problem("not-json", { detail: "The request cannot be read" });
  }
  return new Problem("internal");
}
