import type { Query } from "./panels.ts";

/** The rate of a counter, a second. */
export function rate(metric: string, by = ""): string {
  const sum = `rate(${metric}[$__rate_interval])`;
  return by === "" ? `sum(${sum})` : `sum by (${by}) (${sum})`;
}

/** A histogram's median, 95th and 99th percentile. */
export function quantiles(histogram: string, selector = ""): Query[] {
  return ([0.5, 0.95, 0.99] as const).map((quantile) => [
    `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket${selector}[$__rate_interval])))`,
    `p${quantile * 100}`,
  ]);
}

/** A histogram's mean, for values too few and too coarse for quantiles. */
export function mean(histogram: string): Query {
  return [`${rate(`${histogram}_sum`)} / ${rate(`${histogram}_count`)}`, "mean"];
}

/** Counts a gauge once: every process reports the same lanes, conflicts and Redis. */
export function once(gauge: string, by = ""): string {
  return by === "" ? `max(${gauge})` : `max by (${by}) (${gauge})`;
}
