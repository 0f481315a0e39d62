import type { Response } from "express";
import type { Identity } from "./token-verifier.ts";

/** What the first handlers find out about a request, for the ones behind them. */
interface RequestContext {
  identity?: Identity;
  requestId?: string;
  staysOpen?: true;
}

const contextOf = (response: Response): RequestContext => response.locals as RequestContext;

export function setIdentity(response: Response, identity: Identity): void {
  contextOf(response).identity = identity;
}

/** @throws where no handler before has checked the token: a mistake in how routes are laid out */
export function identityOf(response: Response): Identity {
  const { identity } = contextOf(response);
  if (identity === undefined) throw new Error("the route is not behind the token check");
  return identity;
}

/** Who asks; `undefined` where nobody has said so. */
export function subjectOf(response: Response): string | undefined {
  return contextOf(response).identity?.subject;
}

/** Says that an answer is to last: nobody has to be told that it was slow. */
export function setStaysOpen(response: Response): void {
  contextOf(response).staysOpen = true;
}

export function staysOpen(response: Response): boolean {
  return contextOf(response).staysOpen === true;
}

export function setRequestId(response: Response, requestId: string): void {
  contextOf(response).requestId = requestId;
}

export function requestIdOf(response: Response): string {
  return contextOf(response).requestId ?? "";
}
