import { OPERATION_ERRORS } from "@syncline/shared/protocol";
import { renderTable } from "./table.ts";

/** Renders the table of an operation's error types. */
export function renderErrorTypes(): string {
  const rows = Object.entries(OPERATION_ERRORS).map(([type, { status, action, cause, advice }]) => [
    `\`${type}\``,
    `\`${status}\``,
    cause,
    `\`${action}\``,
    advice,
  ]);
  return renderTable(["`error_type`", "`status`", "Cause", "Action", "Next step"], rows);
}
