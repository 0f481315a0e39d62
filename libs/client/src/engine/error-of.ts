import type { ClientErrorCode } from "../public/errors.ts";
import type { SyncError } from "../public/status.ts";
import type { CallFailure } from "./requests.ts";

const CODES: Readonly<Record<CallFailure["kind"], ClientErrorCode>> = {
  noAnswer: "offline",
  unavailable: "server",
  overloaded: "rateLimited",
  unauthorized: "signedOut",
  wrongAccount: "wrongAccount",
  forbidden: "accessLost",
  overrideNotAllowed: "protocol",
  notFound: "protocol",
  outdated: "protocol",
  gone: "protocol",
  tooLarge: "protocol",
  invalid: "protocol",
  protocol: "protocol",
};

/** The error that a status shows for a failed attempt. */
export function errorOf(failure: CallFailure): SyncError {
  const requestId = "requestId" in failure ? failure.requestId : undefined;
  const status = "status" in failure ? failure.status : undefined;
  return {
    code: CODES[failure.kind],
    message:
      failure.detail ?? `The request failed: ${failure.kind}${status === undefined ? "" : ` (${status})`}`,
    ...(requestId === undefined ? {} : { requestId }),
  };
}
