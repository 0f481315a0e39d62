import type { ErrorCodeName } from "@syncline/shared/protocol";

/**
 * The meaning of every class of SQLSTATE, and of single states that differ from their class. Classes are the first two
 * characters, as in Postgres' appendix "Error Codes"; docs/errors.md says the same for operators.
 *
 * - `SYN_OPERATION_REFUSED`: a value or a constraint. The failing operation is refused.
 * - `SYN_POSTGRES_CONTENTION`, `SYN_POSTGRES_LIMIT`, `SYN_POSTGRES_UNEXPECTED`: possibly caused by one workspace. That
 *   workspace is deferred and retried.
 * - `SYN_POSTGRES_UNAVAILABLE`: the server cannot work at the moment. All work is retried.
 * - `SYN_POSTGRES_DEPLOYMENT`: schema, permissions or settings do not fit this version. Drains stop until an operator
 *   acts.
 */
export const POSTGRES_FAULTS: Readonly<Record<string, ErrorCodeName>> = {
  "00": "SYN_POSTGRES_UNEXPECTED", // successful completion: never an error
  "01": "SYN_POSTGRES_UNEXPECTED", // warning: never an error
  "02": "SYN_POSTGRES_UNEXPECTED", // no data: never an error
  "03": "SYN_POSTGRES_DEPLOYMENT", // SQL statement not yet complete
  "08": "SYN_POSTGRES_UNAVAILABLE", // connection exception
  "09": "SYN_OPERATION_REFUSED", // triggered action exception
  "0A": "SYN_POSTGRES_DEPLOYMENT", // feature not supported; also a cached plan whose result a migration has changed
  "0B": "SYN_POSTGRES_DEPLOYMENT", // invalid transaction initiation
  "0F": "SYN_POSTGRES_DEPLOYMENT", // locator exception
  "0L": "SYN_POSTGRES_DEPLOYMENT", // invalid grantor
  "0P": "SYN_POSTGRES_DEPLOYMENT", // invalid role specification
  "0Z": "SYN_POSTGRES_DEPLOYMENT", // diagnostics exception
  "10": "SYN_OPERATION_REFUSED", // XQuery error: about a value
  "20": "SYN_OPERATION_REFUSED", // case not found
  "21": "SYN_OPERATION_REFUSED", // cardinality violation: one row twice in a statement
  "22": "SYN_OPERATION_REFUSED", // data exception
  "23": "SYN_OPERATION_REFUSED", // integrity constraint violation
  "24": "SYN_POSTGRES_DEPLOYMENT", // invalid cursor state
  "25": "SYN_POSTGRES_UNAVAILABLE", // invalid transaction state: read-only after a failover, ended while idle
  "26": "SYN_POSTGRES_DEPLOYMENT", // invalid SQL statement name: a pooler that shares sessions
  "27": "SYN_OPERATION_REFUSED", // triggered data change violation
  "28": "SYN_POSTGRES_DEPLOYMENT", // invalid authorization specification: a wrong password or role
  "2B": "SYN_POSTGRES_DEPLOYMENT", // dependent privilege descriptors still exist
  "2D": "SYN_POSTGRES_DEPLOYMENT", // invalid transaction termination
  "2F": "SYN_POSTGRES_UNEXPECTED", // SQL routine exception: of a user's function or trigger
  "34": "SYN_POSTGRES_DEPLOYMENT", // invalid cursor name
  "38": "SYN_POSTGRES_UNEXPECTED", // external routine exception
  "39": "SYN_POSTGRES_UNEXPECTED", // external routine invocation exception
  "3B": "SYN_POSTGRES_DEPLOYMENT", // savepoint exception
  "3D": "SYN_POSTGRES_DEPLOYMENT", // invalid catalog name: no such database
  "3F": "SYN_POSTGRES_DEPLOYMENT", // invalid schema name
  "40": "SYN_POSTGRES_CONTENTION", // transaction rollback: deadlock, serialization
  "42": "SYN_POSTGRES_DEPLOYMENT", // syntax error or access rule violation: a missing table, column or permission
  "44": "SYN_OPERATION_REFUSED", // WITH CHECK OPTION violation
  "53": "SYN_POSTGRES_UNAVAILABLE", // insufficient resources
  "53200": "SYN_POSTGRES_LIMIT", // out of memory
  "53400": "SYN_POSTGRES_LIMIT", // configuration limit exceeded
  "54": "SYN_OPERATION_REFUSED", // program limit exceeded
  "55": "SYN_POSTGRES_CONTENTION", // object not in prerequisite state: locks, objects in use
  "55000": "SYN_POSTGRES_DEPLOYMENT", // object not in prerequisite state: an extension or setting is missing
  "55P02": "SYN_POSTGRES_DEPLOYMENT", // can't change runtime parameter
  "55P04": "SYN_POSTGRES_DEPLOYMENT", // unsafe new enum value usage
  "57": "SYN_POSTGRES_UNAVAILABLE", // operator intervention
  "57014": "SYN_POSTGRES_LIMIT", // query canceled: a statement took too long
  "58": "SYN_POSTGRES_UNAVAILABLE", // system error: input and output
  "58P01": "SYN_POSTGRES_UNEXPECTED", // undefined file: a file of a table is lost
  "72": "SYN_POSTGRES_UNAVAILABLE", // snapshot failure: snapshot too old
  F0: "SYN_POSTGRES_DEPLOYMENT", // configuration file error
  HV: "SYN_POSTGRES_DEPLOYMENT", // foreign data wrapper error
  P0: "SYN_OPERATION_REFUSED", // PL/pgSQL error: raised by a trigger
  XX: "SYN_POSTGRES_UNEXPECTED", // internal error, data or index corrupted: usually of some rows only
  SYN01: "SYN_WORKSPACE_MOVED", // assert_workspaces_current
  SYN02: "SYN_INVARIANT", // assert_documents_written
};

/** The code for a SQLSTATE: its own if listed, otherwise that of its class. */
export function codeOfSqlState(state: string): ErrorCodeName {
  return POSTGRES_FAULTS[state] ?? POSTGRES_FAULTS[state.slice(0, 2)] ?? "SYN_POSTGRES_UNEXPECTED";
}
