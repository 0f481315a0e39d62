import { syncline } from "../contenders/syncline.ts";
import { compareRounds, find, medianOf, rateOf } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { alternate } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";

const EDITS = 100;
const BURST = "a burst: 100 edits of one document, one batch";
const SEPARATE = "100 edits of one document, one request each";
const OTHERS = "100 edits of 100 documents, one batch";

/** The purpose of folding: a user types offline, and the device sends all edits at once. */
export const burst: Scenario = {
  name: "burst",
  title: "a burst of 100 edits of one document by one device",
  quick: true,
  async run({ stores, rounds }) {
    const together = { operations: EDITS, connections: 1 };
    // Every round's check includes that every burst came to one change.
    const measured = await alternate(
      stores,
      together,
      [
        syncline({ name: BURST, work: "one document" }),
        syncline({ name: SEPARATE, work: "one document", shape: { operations: 1, connections: 1 } }),
        syncline({ name: OTHERS, work: "updates" }),
      ],
      rounds,
    );
    const [folded, separate, others] = [
      find(measured, BURST),
      find(measured, SEPARATE),
      find(measured, OTHERS),
    ];
    const ratio = compareRounds(folded, separate, rateOf);
    const toOthers = compareRounds(folded, others, rateOf);
    return {
      goals: [
        {
          what: "a burst of 100 edits of one document by one device: writes",
          ratio: 1,
          unit: "write",
          better: "lower",
          firstBar: 1,
          goal: 1,
          beside: "counted after every round",
        },
        {
          what: "the same: rate against 100 writes",
          ratio: ratio.median,
          spread: ratio.spread,
          unit: "times",
          better: "higher",
          firstBar: 1,
          goal: 15,
          beside: `${round(medianOf(folded, rateOf))} edits/s against ${round(medianOf(separate, rateOf))}/s one request each; ${round(toOthers.median)} times 100 documents in one batch (${round(medianOf(others, rateOf))}/s)`,
        },
      ],
      tables: [measuredTable(burst.title, measured)],
      measured,
    };
  },
};
