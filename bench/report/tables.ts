import { describeShape } from "../load/shape.ts";
import type { Goal, Table } from "../scenario.ts";
import type { Measured } from "../rounds.ts";
import { medianOf, p50Of, rateOf } from "../ratios.ts";

export function goalsTable(goals: readonly Goal[]): Table {
  return {
    title: "The goals",
    columns: ["what", "measured", "first bar", "goal", "met", "spread", "beside"],
    rows: goals.map((goal) => [
      goal.what,
      `${round(goal.ratio)} ${goal.unit}`,
      round(goal.firstBar),
      round(goal.goal),
      verdict(goal),
      goal.spread === undefined ? "" : goal.spread.map(round).join(" to "),
      goal.beside,
    ]),
  };
}

/** Returns `goal`, `first bar` or `no`. */
export function verdict({ ratio, firstBar, goal, better }: Goal): string {
  const reaches = (bar: number) => (better === "higher" ? ratio >= bar : ratio <= bar);
  if (reaches(goal)) return "goal";
  return reaches(firstBar) ? "first bar" : "no";
}

/** Contenders' rates and costs: medians of the rounds, CPU over all of them. */
export function measuredTable(title: string, measured: readonly Measured[]): Table {
  return {
    title,
    columns: [
      "",
      "shape",
      "operations/s",
      "p50 ms",
      "p95 ms",
      "p99 ms",
      "CPU s / 1,000 operations",
      "memory MB",
      "others' CPU",
    ],
    rows: measured.map((one) => [
      one.name,
      describeShape(one.shape),
      Math.round(medianOf(one, rateOf)),
      round(medianOf(one, p50Of)),
      round(medianOf(one, (r) => r.latencyMs.p95)),
      round(medianOf(one, (r) => r.latencyMs.p99)),
      describeCpu(one),
      Object.entries(one.memoryMb)
        .filter(([name]) => name !== "postgres" && name !== "redis")
        .map(([name, mb]) => `${name} ${Math.round(mb)}`)
        .join(", "),
      `${Math.round(medianOf(one, (r) => r.othersCpu) * 100)} %`,
    ]),
  };
}

function describeCpu({ rounds }: Measured): string {
  const operations = rounds.reduce((sum, one) => sum + one.operations, 0);
  const names = Object.keys(rounds[0]?.cpuSeconds ?? {});
  const secondsOf = (name: string) =>
    rounds.reduce((sum, { cpuSeconds }) => sum + (cpuSeconds[name] ?? 0), 0);
  const describe = (seconds: number) => ((seconds / operations) * 1_000).toFixed(3);
  const all = names.reduce((sum, name) => sum + secondsOf(name), 0);
  return `${describe(all)}: ${names.map((name) => `${name} ${describe(secondsOf(name))}`).join(", ")}`;
}

/** Rounds to three significant digits. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString("en")
    : String(Number(value.toPrecision(3)));
}

export function toMarkdown({ title, columns, rows }: Table): string {
  const cell = (value: string | number) => String(value).replaceAll("|", "\\|");
  const lines = [columns, columns.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`);
  return `### ${title}\n\n${lines.join("\n")}\n`;
}
