import pg from "pg";

/**
 * Describes an error of Postgres for the log, without its message and detail: both may quote a document.
 *
 * @returns `undefined` for any other error
 */
export function describeDatabaseError(error: Error): Record<string, unknown> | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined;
  const { code, severity, schema, table, constraint, routine } = error;
  return { type: "DatabaseError", code, severity, schema, table, constraint, routine };
}
