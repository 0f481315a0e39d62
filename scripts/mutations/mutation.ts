/** A deliberate breakage of one guarantee, and the test that must notice it. */
export interface Mutation {
  name: string;
  /** What no longer holds. */
  breaks: Guarantee;
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
  /** The cheapest that notices. */
  caughtBy: { file: string; test?: string };
}

export type Guarantee =
  | "nothing acknowledged is lost"
  | "once"
  | "order"
  | "consolidation is invisible"
  | "a group is all or nothing"
  | "the feed has no gaps"
  | "a merge loses nothing silently"
  | "it ends"
  | "one bad operation stops nothing"
  | "walls"
  | "it says no in time"
  | "nothing is guessed at"
  | "it stops well";
