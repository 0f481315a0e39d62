import { OPERATION_ERRORS, PROBLEM_HELP, PROBLEMS, type ProblemType } from "@syncline/shared/protocol";
import { renderTable } from "./table.ts";

/** Renders the table of problems, by status. */
export function renderProblems(): string {
  const types = Object.keys(PROBLEMS) as ProblemType[];
  const rows = types
    .toSorted((a, b) => PROBLEMS[a].status - PROBLEMS[b].status)
    .map((type) => {
      const { status, retryable } = PROBLEMS[type];
      const { cause, advice } = PROBLEM_HELP[type];
      return [`\`${type}\``, String(status), retryable ? "yes" : "no", cause, advice];
    });
  return renderTable(["Type", "Status", "Retryable", "Cause", "What to do"], rows);
}

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
