import type { ServerResponse } from "node:http";
import type { ProblemType } from "@syncline/shared/protocol";
import type { Identity } from "./token-verifier.ts";

/** Facts about a request that earlier handlers pass to later ones. */
interface RequestContext {
  identity?: Identity;
  requestId?: string;
  staysOpen?: true;
  network?: string;
  problemType?: ProblemType;
}

/** The context of a request, in `locals`: Express keeps an object that is already there. */
function contextOf(response: ServerResponse & { locals?: RequestContext }): RequestContext {
  return (response.locals ??= {});
}

export function setIdentity(response: ServerResponse, identity: Identity): void {
  contextOf(response).identity = identity;
}

/**
 * Returns the verified identity.
 *
 * @throws if no earlier handler verified the token: a mistake in the order of routes
 */
export function identityOf(response: ServerResponse): Identity {
  const { identity } = contextOf(response);
  if (identity === undefined) throw new Error("the route is not behind the token check");
  return identity;
}

/** The authenticated subject, if any. */
export function subjectOf(response: ServerResponse): string | undefined {
  return contextOf(response).identity?.subject;
}

/** Sets the client's network: see {@link clientNetworkOf}. */
export function setNetwork(response: ServerResponse, network: string): void {
  contextOf(response).network = network;
}

export function networkOfClient(response: ServerResponse): string {
  return contextOf(response).network ?? "";
}

/** Sets the type of the problem that a request was answered with. */
export function setProblemType(response: ServerResponse, type: ProblemType): void {
  contextOf(response).problemType = type;
}

export function problemTypeOf(response: ServerResponse): ProblemType | undefined {
  return contextOf(response).problemType;
}

/** Marks a response as long-lived, so that its trace is not marked as slow. */
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
