import { Problem, sendProblem, type Doorkeeper } from "@syncline/runtime";
import type { OpenStreams } from "../core/open-streams.ts";

/** One for all, and sent as it is: there are many of these just when nothing must cost anything. */
const TOO_MANY = new Problem("overloaded", {
  detail: "Too many requests are under way here",
  retryAfterSeconds: 1,
});

/**
 * Turns requests away while so many are under way, before their bodies are read. Answers that stay open do not count:
 * they have a bound of their own.
 */
export function createBoundRequests(
  streams: Pick<OpenStreams, "size">,
  { requestsMax }: { requestsMax: number },
): Doorkeeper {
  let underWay = 0;
  return (_request, response, next) => {
    if (underWay - streams.size >= requestsMax) return sendProblem(response, TOO_MANY);
    underWay++;
    response.once("close", () => underWay--);
    next();
  };
}
