import { currentSubject, type Query } from "@syncline/runtime";
import { Turns } from "../core/turns.ts";

/**
 * Lets subjects take turns at a pool's connections: however many requests one has under way, another waits behind one
 * statement of each. The pool itself serves whoever asked first.
 */
export function queryInTurns(query: Query, connections: number): Query {
  const turns = new Turns(connections);
  return (sql, values) => turns.run(currentSubject() ?? "", () => query(sql, values));
}
