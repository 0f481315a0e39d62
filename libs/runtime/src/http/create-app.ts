import { randomUUID } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import { dispositionOf, idSchema, BATCH_BYTES_MAX } from "@syncline/shared";
import express, {
  type NextFunction,
  type Request,
  type Response,
  type ErrorRequestHandler,
  type Express,
} from "express";
import helmet from "helmet";
import { createAuditLog, type Logger } from "../log.ts";
import { inWorkspaces } from "../postgres/in-workspaces.ts";
import { createCors } from "./cors.ts";
import { behind, type Middleware } from "./middleware.ts";
import { Problem } from "./problem.ts";
import { guardMethods } from "./require-method.ts";
import { requestIdOf, setIdentity, setNetwork, setRequestId, subjectOf } from "./request-context.ts";
import type { VerifyToken } from "./token-verifier.ts";
import { clientNetworkOf, type TrustProxy } from "./client-address.ts";
import { createRefusalTrail } from "./refusal-trail.ts";
import { createTraceRequest } from "./trace-request.ts";
import { sendProblem } from "./send-problem.ts";
import { createMeasureRequest } from "./measure-request.ts";

interface Parts {
  verifyToken: VerifyToken;
  health: Middleware;
  /** Answers who comes too much with a problem, before anything is done for them; health is asked before it. */
  admit?: Middleware;
  /** Looks at a request once its token is checked, and throws a problem to refuse it. */
  admitIdentified?: (response: Response) => void;
  /** Adds the service's own routes, all behind the token check. */
  addRoutes: (app: Express) => void;
  /** The origins whose pages may ask, as {@link createCors} reads them; without it none. */
  corsOrigins?: readonly string[] | undefined;
  /** Which proxies are believed when they say who asked, as Express has it. */
  trustProxy?: string | undefined;
  log: Logger;
}

/**
 * What says something where JSON is answered, as OWASP has it for REST. The rest of what helmet sets by default is for
 * pages, and would be in every answer: https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html
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
 * What every HTTP service shares: health, secure headers, request ids, traces, the token check, and problems. Who is turned
 * away at the door does not get as far as Express: of these there are most when nothing must cost anything.
 */
export function createApp({
  verifyToken,
  health,
  admit,
  admitIdentified,
  addRoutes,
  corsOrigins = [],
  trustProxy,
  log,
}: Parts): RequestListener {
  const app = express();
  app.disable("etag").disable("x-powered-by").set("query parser", false);
  // A number says how many proxies there are; all else names them.
  if (trustProxy !== undefined)
    app.set("trust proxy", /^\d+$/.test(trustProxy) ? Number(trustProxy) : trustProxy);
  // Ends in a newline, so that a terminal's prompt stands on a line of its own.
  app.response.json = function (this: Response, body: unknown) {
    return this.type("json").send(`${JSON.stringify(body)}\n`);
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
    inWorkspaces([...identity.roleByWorkspace.keys()], next, identity.subject);
  });
  for (const name of ["workspaceId", "collection", "documentId", "clientId"]) app.param(name, requireId);
  addRoutes(app);
  guardMethods(methodGuard, app);
  app.use((request) => {
    throw new Problem("not-found", { detail: `There is no ${request.method} ${request.path}` });
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
    // Express makes its own of both.
    app(request as Request, response as Response, () => answerLeftOver(response)),
  );
}

/** What Express passes on: an address that it cannot read, or an answer that broke off. */
function answerLeftOver(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else sendProblem(response, new Problem("not-found", { detail: "The address cannot be read" }));
}

/** What cannot be an id names nothing. */
function requireId(_request: Request, _response: Response, next: NextFunction, id: string): void {
  if (!idSchema.safeParse(id).success) throw new Problem("not-found", { detail: "No id looks like this" });
  next();
}

/** Names every request, for logs and the ledger: by the caller's own name where it sent one. */
const nameRequest: Middleware = (request, response, next) => {
  const given = request.headers["x-request-id"];
  const requestId = typeof given === "string" && /^[\x21-\x7e]{1,200}$/.test(given) ? given : randomUUID();
  setRequestId(response, requestId);
  response.setHeader("x-request-id", requestId);
  next();
};

/** The one place where an error becomes an answer. */
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
    // There are many refusals when there is too much to do.
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
      detail: "A store cannot be reached; send it again",
      retryAfterSeconds: 1,
    });
  }
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  if (status === 413)
    return new Problem("too-large", { detail: `A body may have at most ${BATCH_BYTES_MAX} bytes` });
  if (status === 415)
    return new Problem("unsupported-media-type", { detail: "The body's encoding is not supported" });
  if (typeof status === "number" && status >= 400 && status < 500) {
    return new Problem("not-json", { detail: "The request cannot be read" });
  }
  return new Problem("internal");
}
