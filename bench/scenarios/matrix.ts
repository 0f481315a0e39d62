import { describeShape } from "../load/shape.ts";
import { limit } from "../contenders/limit.ts";
import { syncline } from "../contenders/syncline.ts";
import { compareRounds, find, medianOf, p50Of, p99Of, rateOf } from "../ratios.ts";
import { round } from "../report/tables.ts";
import { alternate, type Measured } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";

/** Every size of a batch with every number of connections. */
export const matrix: Scenario = {
  name: "matrix",
  title: "batches of 1, 10, 50 and 100 over 1, 8, 32 and 64 connections",
  quick: false,
  async run({ stores, rounds, say }) {
    const measured: Measured[] = [];
    const rows: (readonly (string | number)[])[] = [];
    for (const operations of [1, 10, 50, 100]) {
      for (const connections of [1, 8, 32, 64]) {
        const shape = { operations, connections };
        say(`  ${describeShape(shape)}`);
        const pair = await alternate(stores, shape, [syncline(), limit()], {
          ...rounds,
          roundMs: rounds.roundMs / 2,
        });
        const [ours, same] = [find(pair, "syncline"), find(pair, "limit")];
        const ratio = compareRounds(ours, same, rateOf);
        measured.push(...pair);
        rows.push([
          describeShape(shape),
          round(medianOf(ours, rateOf)),
          round(medianOf(same, rateOf)),
          round(ratio.median),
          ratio.spread.map(round).join(" to "),
          round(medianOf(ours, p50Of)),
          round(medianOf(ours, p99Of)),
        ]);
      }
    }
    const columns = ["shape", "syncline/s", "limit/s", "ratio", "spread", "p50 ms", "p99 ms"];
    return { tables: [{ title: matrix.title, columns, rows }], measured };
  },
};
