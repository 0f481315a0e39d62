import type { ErrorType } from "@syncline/shared/protocol";

/** The reason why an operation fails. */
export interface AtFault {
  kind: "error";
  errorType: ErrorType;
  message: string;
}
