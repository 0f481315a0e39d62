/** A deliberate breakage of one guarantee, and the test that must detect it. */
export interface Mutation {
  name: string;
  /** The guarantee that no longer holds. */
  breaks: Guarantee;
  file: string;
  /** Occurs exactly once in the file. */
  find: string;
  replace: string;
  /** The cheapest test that detects it. */
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
  | "tenant isolation"
  | "it says no in time"
  | "nothing is guessed at"
  | "it stops well";
