import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** Answers a request or passes it on. It must not throw: no error handler runs before Express. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Runs the middlewares in order, then the listener if all of them passed the request on. */
export function behind(middlewares: readonly Middleware[], listener: RequestListener): RequestListener {
  return (request, response) => {
    let passed = 0;
    const next = (): void => {
      const middleware = middlewares[passed++];
      if (middleware === undefined) listener(request, response);
      else middleware(request, response, next);
    };
    next();
  };
}
