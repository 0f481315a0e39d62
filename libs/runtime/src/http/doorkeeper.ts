import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** Answers a request, or passes it on. It must not throw: nobody in front of Express would catch it. */
export type Doorkeeper = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Asks one after the other, and the listener once all have passed a request on. */
export function behind(doorkeepers: readonly Doorkeeper[], listener: RequestListener): RequestListener {
  return (request, response) => {
    let passed = 0;
    const next = (): void => {
      const doorkeeper = doorkeepers[passed++];
      if (doorkeeper === undefined) listener(request, response);
      else doorkeeper(request, response, next);
    };
    next();
  };
}
