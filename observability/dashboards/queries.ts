import type { Query } from "./panels.ts";

/** How much a counter grows a second. */
export function rate(metric: string, by = ""): string {
  const sum = `rate(${metric}[$__rate_interval])`;
  return by === "" ? `sum(${sum})` : `sum by (${by}) (${sum})`;
}

/** A histogram's median, and the values that 95 % and 99 % lie below. */
export function quantiles(histogram: string, selector = ""): Query[] {
  return ([0.5, 0.95, 0.99] as const).map((quantile) => [
    `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket${selector}[$__rate_interval])))`,
    `p${quantile * 100}`,
  ]);
}

/** The mean of what a histogram counts, where its values are too few and too whole for quantiles to say much. */
export function mean(histogram: string): Query {
  return [`${rate(`${histogram}_sum`)} / ${rate(`${histogram}_count`)}`, "mean"];
}

/** Every process tells the same of the lanes, the conflicts and Redis: so once, and not once a process. */
export function once(gauge: string, by = ""): string {
  return by === "" ? `max(${gauge})` : `max by (${by}) (${gauge})`;
}
