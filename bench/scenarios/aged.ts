import { syncline } from "../contenders/syncline.ts";
import { compareRounds, cpuMsAnOperation, find, medianOf, p50Of } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { alternate } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";
import type { Ground } from "../workload/documents.ts";

const NEW = "documents at version 1, alone";

/** The cost of a write to a document with a long history, among many others, compared with a new document's. */
export const aged: Scenario = {
  name: "aged",
  title: "a write to an old document in a large workspace, 10 in a batch",
  quick: true,
  async run({ stores, rounds, isQuick, say }) {
    // Seeds less in the short run.
    const documents = isQuick ? 10 : 100;
    const moreDocuments = isQuick ? 100_000 : 1_000_000;
    const fresh: Ground = { workspaces: 1, documents };
    const old: Ground = { workspaces: 1, documents, version: 10_000 };
    const oldName = `documents at version 10,000, beside ${round(moreDocuments)} others`;
    say(`inserting ${round(moreDocuments)} documents and ${round(documents * 10_000)} changes`);
    const on = (name: string, ground: Ground, more: number) =>
      syncline({
        name,
        ground,
        work: "updates",
        createDatabase: (from) => from.createLargeDatabase(ground, more),
      });
    const measured = await alternate(
      stores,
      { operations: 10, connections: 1 },
      [on(NEW, fresh, 0), on(oldName, old, moreDocuments)],
      rounds,
    );
    const [before, after] = [find(measured, NEW), find(measured, oldName)];
    const ratio = compareRounds(after, before, p50Of);
    const cpu = compareRounds(after, before, cpuMsAnOperation);
    return {
      goals: [
        {
          what: `a write to a document at version 10,000, in a workspace of ${round(moreDocuments)} documents`,
          ratio: ratio.median,
          spread: ratio.spread,
          unit: "times a new one's",
          better: "lower",
          firstBar: 1.3,
          goal: 1.1,
          beside: `p50 of 10 in a batch ${round(medianOf(after, p50Of))} ms against ${round(medianOf(before, p50Of))} ms; CPU ${round(cpu.median)} times`,
        },
      ],
      tables: [measuredTable(aged.title, measured)],
      measured,
    };
  },
};
