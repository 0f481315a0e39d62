import type { ServerResponse } from "node:http";
import type { ProblemType } from "./problem.ts";
import type { Identity } from "./token-verifier.ts";

/** What the first handlers find out about a request, for the ones behind them. */
interface RequestContext {
  identity?: Identity;
  requestId?: string;
  staysOpen?: true;
  network?: string;
  problemType?: ProblemType;
}

/** Where Express keeps such things, which takes them over from whoever came before it. */
function contextOf(response: ServerResponse & { locals?: RequestContext }): RequestContext {
  return (response.locals ??= {});
}

export function setIdentity(response: ServerResponse, identity: Identity): void {
  contextOf(response).identity = identity;
}

/** @throws where no handler before has checked the token: a mistake in how routes are laid out */
export function identityOf(response: ServerResponse): Identity {
  const { identity } = contextOf(response);
  if (identity === undefined) throw new Error("the route is not behind the token check");
  return identity;
}

/** Who asks; `undefined` where nobody has said so. */
export function subjectOf(response: ServerResponse): string | undefined {
  return contextOf(response).identity?.subject;
}

/** Says which network a request comes from: see {@link clientNetworkOf}. */
export function setNetwork(response: ServerResponse, network: string): void {
  contextOf(response).network = network;
}

export function networkOfClient(response: ServerResponse): string {
  return contextOf(response).network ?? "";
}

/** Says what a request was refused for. */
export function setProblemType(response: ServerResponse, type: ProblemType): void {
  contextOf(response).problemType = type;
}

export function problemTypeOf(response: ServerResponse): ProblemType | undefined {
  return contextOf(response).problemType;
}

/** Says that an answer is to last: nobody has to be told that it was slow. */
export function setStaysOpen(response: ServerResponse): void {
  contextOf(response).staysOpen = true;
}

export function staysOpen(response: ServerResponse): boolean {
  return contextOf(response).staysOpen === true;
}

export function setRequestId(response: ServerResponse, requestId: string): void {
  contextOf(response).requestId = requestId;
}

export function requestIdOf(response: ServerResponse): string {
  return contextOf(response).requestId ?? "";
}
