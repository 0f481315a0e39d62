import type { History, Violation } from "./load/history.ts";
import type { Strike } from "./schedule.ts";

const COLUMNS = [
  "fault",
  "times",
  "longest stillness",
  "longest wait",
  "in doubt",
  "lost",
  "doubled",
] as const;

/** Renders a table with a row for each kind of fault. Findings between two faults count as the first one's. */
export function renderTable(strikes: readonly Strike[], history: History, endAtMs: number): string {
  const spans = strikes.map((strike, index) => ({
    ...strike,
    toMs: strikes[index + 1]?.beganAtMs ?? endAtMs,
  }));
  const rows = [...Map.groupBy(spans, ({ name }) => name)].map(([name, of]) => {
    const longest = (measure: (fromMs: number, toMs: number) => number) =>
      `${(Math.max(...of.map(({ beganAtMs, toMs }) => measure(beganAtMs, toMs))) / 1_000).toFixed(1)} s`;
    const sum = (count: (fromMs: number, toMs: number) => number) =>
      String(of.reduce((total, { beganAtMs, toMs }) => total + count(beganAtMs, toMs), 0));
    const violations = (kind: Violation["kind"]) =>
      sum(
        (fromMs, toMs) =>
          history.violations.filter((one) => one.kind === kind && one.atMs >= fromMs && one.atMs < toMs)
            .length,
      );
    return [
      name,
      String(of.length),
      longest((fromMs, toMs) => history.longestStillnessMs(fromMs, toMs)),
      longest((fromMs, toMs) => history.longestWaitMs(fromMs, toMs)),
      sum((fromMs, toMs) => history.operationsInDoubt(fromMs, toMs)),
      violations("lost"),
      violations("doubled"),
    ];
  });
  // Many findings come after the last fault.
  const count = (kind: Violation["kind"]) => history.violations.filter((one) => one.kind === kind).length;
  const all = ["all, to the end", strikes.length, "", "", "", count("lost"), count("doubled")].map(String);
  const lines = [COLUMNS, ...rows.toSorted(([a = ""], [b = ""]) => a.localeCompare(b)), all];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .join("\n");
}
