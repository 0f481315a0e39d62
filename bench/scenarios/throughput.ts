import { describeShape, type Shape } from "../load/shape.ts";
import { limit, LIMIT_SHAPES, limitReadModifyWrite } from "../contenders/limit.ts";
import { syncline } from "../contenders/syncline.ts";
import { compareRounds, find, medianOf, rateOf } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { alternate } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";

/** Applied operations a second from request to commit, compared with the bare client in the same shape. */
export function throughput(
  shape: Shape,
  bars: { firstBar: number; goal: number; isShort?: boolean },
): Scenario {
  const { firstBar, goal, isShort = false } = bars;
  const title = `throughput, ${describeShape(shape)}`;
  return {
    name: `throughput-${shape.operations}x${shape.connections}`,
    title,
    quick: true,
    async run({ stores, rounds, isBrief, isQuick }) {
      const others =
        isBrief || (isQuick && isShort)
          ? []
          : [
              limitReadModifyWrite("merge patch"),
              ...(isQuick ? [] : [limitReadModifyWrite("JSON Patch")]),
              ...LIMIT_SHAPES.map((own) => limit(own)),
            ];
      const measured = await alternate(stores, shape, [syncline(), limit(), ...others], rounds);
      const ours = find(measured, "syncline");
      const same = find(measured, "limit");
      const best = measured
        .filter(({ name }) => name.startsWith("limit"))
        .reduce((a, b) => (medianOf(b, rateOf) > medianOf(a, rateOf) ? b : a));
      const ratio = compareRounds(ours, same, rateOf);
      const toBest = compareRounds(ours, best, rateOf);
      const patching = measured.find(({ name }) => name === "limit, merge patch");
      const toPatching =
        patching &&
        `; ${round(compareRounds(ours, patching, rateOf).median)} of the limit that reads and patches`;
      return {
        goals: [
          {
            what: title,
            ratio: ratio.median,
            spread: ratio.spread,
            unit: "of the limit",
            better: "higher",
            firstBar,
            goal,
            beside: `${round(medianOf(ours, rateOf))}/s against ${round(medianOf(same, rateOf))}/s${toPatching ?? ""}; ${round(toBest.median)} of the best shape (${describeShape(best.shape)}, ${round(medianOf(best, rateOf))}/s)`,
          },
        ],
        tables: [measuredTable(title, measured)],
        measured,
      };
    },
  };
}
