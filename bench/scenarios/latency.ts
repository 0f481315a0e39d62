import { describeShape, type Shape } from "../load/shape.ts";
import { limit } from "../contenders/limit.ts";
import { ALTERNATIVES } from "../contenders/server.ts";
import { syncline } from "../contenders/syncline.ts";
import { medianOf, requestRateOf } from "../ratios.ts";
import { measuredTable } from "../report/tables.ts";
import { takeRounds, withContenders, type RunLoad } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";

/** Latency for requests at random times, at half of each contender's highest rate. */
export function latency(shape: Shape): Scenario {
  const title = `latency at half of the highest load, ${describeShape(shape)}`;
  return {
    name: `latency-${shape.operations}x${shape.connections}`,
    title,
    quick: false,
    run({ stores, rounds, isBrief }) {
      const others = isBrief ? [] : [limit(), ALTERNATIVES["handler without a queue"]];
      return withContenders({ stores, shape, ...rounds }, [syncline(), ...others], async (race) => {
        const highest = await takeRounds(race, rounds);
        const rateByName = new Map(highest.map((one) => [one.name, medianOf(one, requestRateOf) / 2]));
        const runOpen: RunLoad = ({ name, load }, durationMs) =>
          load.runOpen(durationMs, rateByName.get(name) ?? NaN);
        const measured = await takeRounds(race, rounds, runOpen);
        return { tables: [measuredTable(title, measured)], measured };
      });
    },
  };
}
