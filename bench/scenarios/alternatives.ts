import { describeShape, type Shape } from "../load/shape.ts";
import type { Contender } from "../contender.ts";
import { limit } from "../contenders/limit.ts";
import { ALTERNATIVES } from "../contenders/server.ts";
import { syncline } from "../contenders/syncline.ts";
import { compareRounds, find, medianOf, rateOf } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { alternate } from "../rounds.ts";
import type { Goal, Scenario } from "../scenario.ts";

type Alternative = keyof typeof ALTERNATIVES;

interface Against {
  readonly what: string;
  /** The alternatives; the fastest counts. */
  readonly names: readonly Alternative[];
  readonly firstBar: number;
  readonly goal: number;
}

/** Applied operations a second compared with existing alternatives. */
export function alternatives(
  shape: Shape,
  names: readonly Alternative[],
  against: readonly Against[],
): Scenario {
  const title = `alternatives, ${describeShape(shape)}`;
  return {
    name: `alternatives-${shape.operations}x${shape.connections}`,
    title,
    quick: true,
    async run({ stores, rounds, isQuick }) {
      const named = names.filter((name) => !isQuick || against.some((goal) => goal.names.includes(name)));
      const contenders: Contender[] = [syncline(), limit(), ...named.map((name) => ALTERNATIVES[name])];
      const measured = await alternate(stores, shape, contenders, rounds);
      const ours = find(measured, "syncline");
      const goals = against.map(({ what, names, ...bars }): Goal => {
        const fastest = names
          .map((name) => find(measured, name))
          .reduce((a, b) => (medianOf(b, rateOf) > medianOf(a, rateOf) ? b : a));
        const ratio = compareRounds(ours, fastest, rateOf);
        return {
          what,
          ratio: ratio.median,
          spread: ratio.spread,
          unit: "times",
          better: "higher",
          ...bars,
          beside: `${round(medianOf(ours, rateOf))}/s against ${round(medianOf(fastest, rateOf))}/s of ${fastest.name}`,
        };
      });
      return { goals, tables: [measuredTable(title, measured)], measured };
    },
  };
}
