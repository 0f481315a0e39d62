import { limit, limitReadModifyWrite } from "../contenders/limit.ts";
import { syncline } from "../contenders/syncline.ts";
import { compareRounds, find, medianOf, p50Of } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { alternate } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";

/** The latency of a request on an idle system, from its first byte to its committed answer. */
export function alone(operations: number, bars: { firstBar: number; goal: number }): Scenario {
  const title = operations === 1 ? "one operation alone" : `${operations} operations alone`;
  return {
    name: `alone-${operations}`,
    title,
    quick: true,
    async run({ stores, rounds, isBrief }) {
      const others = isBrief ? [] : [limitReadModifyWrite("merge patch")];
      const shape = { operations, connections: 1 };
      const measured = await alternate(stores, shape, [syncline(), limit(), ...others], rounds);
      const [ours, same] = [find(measured, "syncline"), find(measured, "limit")];
      const ratio = compareRounds(ours, same, p50Of);
      const patching = measured.find(({ name }) => name === "limit, merge patch");
      const toPatching =
        patching &&
        `; ${round(compareRounds(ours, patching, p50Of).median)} times that of the limit that reads and patches`;
      return {
        goals: [
          {
            what: `${title}, p50`,
            ratio: ratio.median,
            spread: ratio.spread,
            unit: "times the limit's",
            better: "lower",
            ...bars,
            beside: `${round(medianOf(ours, p50Of))} ms against ${round(medianOf(same, p50Of))} ms${toPatching ?? ""}`,
          },
        ],
        tables: [measuredTable(title, measured)],
        measured,
      };
    },
  };
}
