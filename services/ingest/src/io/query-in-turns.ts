import { currentSubject, type Query } from "@syncline/store";
import { Turns } from "../core/turns.ts";

/**
 * Lets subjects take turns at a pool's connections: a subject waits for at most one statement of each other subject,
 * however many requests those have in progress. The pool itself serves queries in order of arrival.
 */
export function queryInTurns(query: Query, connections: number): Query {
  const turns = new Turns(connections);
  return (sql, values) => turns.run(currentSubject() ?? "", () => query(sql, values));
}
