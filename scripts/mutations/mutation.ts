/** A deliberate breakage of one guarantee, and the test that must detect it. */
export interface Mutation {
  name: string;
  /** The guarantee that no longer holds. */
  breaks: Guarantee;
  change: Change;
  /** The cheapest test that detects it. */
  caughtBy: TestName;
}

/** A replacement inside one declaration, independent of its file, its layout and the names of its variables. */
export interface Change {
  /** A declaration's name (a function, a class, a method, a constant), or the name of an SQL or Lua file. */
  in: string;
  /**
   * Code that occurs exactly once there. Whitespace, comments, quotes and trailing commas do not count. `$name` stands
   * for any one identifier, and for the same one each time; variables are named so. `…` stands for any code.
   */
  find: string;
  /** The new code: `$&` is the found one, `$name` and `…` what they stood for. Empty if left out. */
  replace?: string;
}

export interface TestName {
  /** The end of the path of the test's file. */
  file: string;
  /** A part of the test's title; all tests of the file if left out. */
  title?: string;
}

/** The mutations of each guarantee by name. `caughtBy` is a test's file, or its file and title: `a.test.ts: works`. */
export type MutationTable = Readonly<
  Record<Guarantee, Readonly<Record<string, Change & { caughtBy: string }>>>
>;

/** Returns the mutations of a table. */
export function mutationsOf(table: MutationTable): Mutation[] {
  return Object.entries(table).flatMap(([breaks, byName]) =>
    Object.entries(byName).map(([name, { caughtBy, ...change }]) => {
      const [file = "", ...title] = caughtBy.split(": ");
      const test = { file, ...(title.length > 0 && { title: title.join(": ") }) };
      return { name, breaks: breaks as Guarantee, change, caughtBy: test };
    }),
  );
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
  | "it stops well"
  | "the device keeps its rules";
