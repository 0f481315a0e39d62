import { PARSE_ONLY } from "../contenders/server.ts";
import { syncline } from "../contenders/syncline.ts";
import { compareRounds, find, medianOf, p99Of, requestRateOf } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { takeRounds, withContenders, type RunLoad } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";

const SHAPE = { operations: 100, connections: 16 };
const ACCEPTED = "syncline, 202";

/**
 * The latency of a 202, fsynced, while the workers apply accepted batches: at half of Syncline's highest rate. The
 * handler that only parses the body is given the same load.
 */
export const accepted: Scenario = {
  name: "accepted-100",
  title: "202 answer, 100 operations, fsynced, at half load",
  quick: true,
  async run({ stores, rounds }) {
    const atMost = await withContenders({ stores, shape: SHAPE, ...rounds }, [syncline()], (race) =>
      takeRounds(race, rounds),
    );
    const requestsPerSecond = medianOf(find(atMost, "syncline"), requestRateOf) / 2;
    // Doubles the rounds: a p99 needs many answers.
    const longer = { ...rounds, roundMs: rounds.roundMs * 2 };
    const runOpen: RunLoad = ({ load }, durationMs) => load.runOpen(durationMs, requestsPerSecond);
    const contenders = [syncline({ name: ACCEPTED, isAsync: true }), PARSE_ONLY];
    const measured = await withContenders({ stores, shape: SHAPE, ...rounds }, contenders, (race) =>
      takeRounds(race, longer, runOpen),
    );
    const [ours, parsing] = [find(measured, ACCEPTED), find(measured, PARSE_ONLY.name)];
    const ratio = compareRounds(ours, parsing, p99Of);
    return {
      goals: [
        {
          what: "202 answer, 100 operations, p99 at half load",
          ratio: ratio.median,
          spread: ratio.spread,
          unit: "times a handler that only parses",
          better: "lower",
          firstBar: 3,
          goal: 2,
          beside: `${round(medianOf(ours, p99Of))} ms against ${round(medianOf(parsing, p99Of))} ms, at ${round(requestsPerSecond)} requests/s`,
        },
      ],
      tables: [measuredTable(accepted.title, measured)],
      measured,
    };
  },
};
