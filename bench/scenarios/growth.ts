import type { Contender } from "../contender.ts";
import { syncline } from "../contenders/syncline.ts";
import { compareRounds, cpuMsAnOperation, medianOf, p50Of } from "../ratios.ts";
import { round } from "../report/tables.ts";
import { alternate, type Measured } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";
import { GROUND } from "../workload/documents.ts";

const SHAPE = { operations: 100, connections: 1 };

/**
 * The effect of more documents, a longer history and more lanes on the cost of a batch. The first of each group is the
 * base.
 */
export const growth: Scenario = {
  name: "growth",
  title: "cost of a batch of 100 as documents, history and lanes grow",
  quick: false,
  async run({ stores, rounds, say }) {
    const all: Measured[] = [];
    const rows: (readonly (string | number)[])[] = [];
    for (const [what, contenders] of Object.entries(groups())) {
      say(`  ${what}`);
      const measured = await alternate(stores, SHAPE, contenders, rounds);
      const [base] = measured;
      if (base === undefined) throw new Error("no contender was measured");
      all.push(...measured);
      rows.push(
        ...measured.map((one) => [
          one.name,
          round(medianOf(one, p50Of)),
          round(compareRounds(one, base, p50Of).median),
          round(compareRounds(one, base, cpuMsAnOperation).median),
        ]),
      );
    }
    const columns = ["", "p50 ms", "times the first", "CPU, times the first"];
    return { tables: [{ title: growth.title, columns, rows }], measured: all };
  },
};

function groups(): Record<string, Contender[]> {
  const sizes = [10_000, 100_000, 1_000_000];
  return {
    documents: sizes.map((size) =>
      syncline({
        name: `${round(size)} documents`,
        createDatabase: (stores) => stores.createLargeDatabase(GROUND, size - GROUND.documents),
      }),
    ),
    history: sizes.map((size) => {
      const ground = { ...GROUND, version: size / GROUND.documents };
      return syncline({
        name: `${round(size)} changes and operations`,
        ground,
        createDatabase: (stores) => stores.createLargeDatabase(ground, 0),
      });
    }),
    lanes: [16, 256, 4_096].map((lanes) =>
      syncline({ name: `${round(lanes)} lanes`, env: { LANES: String(lanes) } }),
    ),
  };
}
