import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** Answers a request, or passes it on. It must not throw: nobody in front of Express would catch it. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Asks one after the other, and the listener once all have passed a request on. */
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
