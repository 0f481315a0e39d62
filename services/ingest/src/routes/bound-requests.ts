import { identityOf, networkOfClient, Problem, sendProblem, type Middleware } from "@syncline/runtime";
import type { Response } from "express";
import type { ServerResponse } from "node:http";
import type { Hold, Shares } from "../core/shares.ts";
import { shareExceeded } from "./share-exceeded.ts";

/** One for all, and sent as it is: there are many of these just when nothing must cost anything. */
const TOO_MANY = new Problem("overloaded", {
  detail: "Too many requests are under way here",
  retryAfterSeconds: 1,
});
const ADDRESS_SHARE = shareExceeded("address", "requests", 1);
const SUBJECT_SHARE = shareExceeded("subject", "requests", 1);

/** The places of requests that are under way: each takes one before its token is checked, and its body is read. */
export interface BoundRequests {
  /** Turns a request away if all places are taken, or its address has its share of them. */
  admit: Middleware;
  /** @throws {@link Problem} `share-exceeded` if the token's subject has its share */
  admitIdentified: (response: Response) => void;
  /** Gives the place of a request to another. Answers that stay open have a bound of their own. */
  leave: (response: Response) => void;
}

export function createBoundRequests(places: Shares): BoundRequests {
  const placeByResponse = new WeakMap<ServerResponse, Hold>();
  return {
    admit(_request, response, next) {
      const place = places.hold();
      const refusal = place.resize(1) ?? place.countFor("address", networkOfClient(response));
      if (refusal !== undefined) {
        place.release();
        return sendProblem(response, refusal === "all" ? TOO_MANY : ADDRESS_SHARE);
      }
      placeByResponse.set(response, place);
      response.once("close", () => place.release());
      next();
    },
    admitIdentified(response) {
      const refusal = placeByResponse.get(response)?.countFor("subject", identityOf(response).subject);
      if (refusal !== undefined) throw SUBJECT_SHARE;
    },
    leave(response) {
      placeByResponse.get(response)?.release();
    },
  };
}
