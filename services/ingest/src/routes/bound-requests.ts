import { identityOf, networkOfClient, sendProblem, type Middleware } from "@syncline/kit/http";
import { Problem } from "@syncline/shared/protocol";
import type { Response } from "express";
import type { ServerResponse } from "node:http";
import type { Hold, Shares } from "../core/shares.ts";
import { shareExceeded } from "./share-exceeded.ts";

/** Created once and sent unchanged: these answers are most frequent under overload, when each must be cheap. */
const TOO_MANY = new Problem("overloaded", {
  detail: "This process has too many requests in progress; send the request again after Retry-After",
  retryAfterSeconds: 1,
});
const ADDRESS_SHARE = shareExceeded("address", "requests", 1);
const SUBJECT_SHARE = shareExceeded("subject", "requests", 1);

/** Slots for requests in progress: each takes one before its token is checked and its body is read. */
export interface BoundRequests {
  /** Rejects a request if all slots are taken, or its address has its share of them. */
  admit: Middleware;
  /** @throws {@link Problem} `share-exceeded` if the token's subject has its share */
  admitIdentified: (response: Response) => void;
  /** Releases a request's slot. Long-lived responses have a limit of their own. */
  leave: (response: Response) => void;
}

export function createBoundRequests(shares: Shares): BoundRequests {
  const holdByResponse = new WeakMap<ServerResponse, Hold>();
  return {
    admit(_request, response, next) {
      const hold = shares.hold();
      const refusal = hold.resize(1) ?? hold.countFor("address", networkOfClient(response));
      if (refusal !== undefined) {
        hold.release();
        return sendProblem(response, refusal === "all" ? TOO_MANY : ADDRESS_SHARE);
      }
      holdByResponse.set(response, hold);
      response.once("close", () => hold.release());
      next();
    },
    admitIdentified(response) {
      const refusal = holdByResponse.get(response)?.countFor("subject", identityOf(response).subject);
      if (refusal !== undefined) throw SUBJECT_SHARE;
    },
    leave(response) {
      holdByResponse.get(response)?.release();
    },
  };
}
