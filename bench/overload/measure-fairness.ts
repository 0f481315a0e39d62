import { laneOf } from "@syncline/shared/protocol";
import { quantilesOf } from "../measure/quantiles.ts";
import { LANE_COUNT, type BenchSystem, type Verdict } from "./bench-system.ts";
import type { Sender, SenderReport } from "./load.ts";

const OTHERS = 20;
/** The number of other workspaces on the greedy workspace's own lane. */
const NEIGHBOURS = 10;
const TIMES_AS_MUCH = 50;
const SLOWER_MOST = 3;
const OTHERS_PACE = { requestsPerSecond: 2 };
const OPERATIONS = 5;
const FLOOD_CONNECTIONS = 64;
const GREEDY = "greedy";

/** Measures the effect on others of one workspace that sends 50 times as much as each of them, at an even pace. */
export async function measureFairness(
  system: BenchSystem,
  { seconds }: { seconds: number },
): Promise<Verdict[]> {
  const greedyLane = laneOf(GREEDY, LANE_COUNT);
  const neighbours: string[] = [];
  const strangers: string[] = [];
  for (let n = 0; neighbours.length < NEIGHBOURS || strangers.length < OTHERS - NEIGHBOURS; n++) {
    const workspaceId = `other-${n}`;
    const isNeighbour = laneOf(workspaceId, LANE_COUNT) === greedyLane;
    const [some, most] = isNeighbour ? [neighbours, NEIGHBOURS] : [strangers, OTHERS - NEIGHBOURS];
    if (some.length < most) some.push(workspaceId);
  }
  const others = [...neighbours, ...strangers].map((workspaceId) => ({
    workspaceId,
    pace: OTHERS_PACE,
    operations: OPERATIONS,
  }));
  const greedy = {
    workspaceId: GREEDY,
    operations: OPERATIONS,
  };
  const load = (senders: Parameters<BenchSystem["load"]>[1]) => system.load(seconds, senders);
  const beside = (pace: Sender["pace"]) => load([...others, { ...greedy, pace }]);

  await system.load(5, others); // warms up connections and caches
  const alone = await load(others);
  const together = await beside({ requestsPerSecond: OTHERS_PACE.requestsPerSecond * TIMES_AS_MUCH });
  // Informational: no bar applies beside a workspace that sends as much as it can.
  const flooded = await beside({ connections: FLOOD_CONNECTIONS });
  const latencies = (reports: readonly SenderReport[], of: readonly string[]) =>
    reports.filter(({ workspaceId }) => of.includes(workspaceId)).flatMap(({ latenciesMs }) => latenciesMs);
  const p99OfOthers = {
    alone: quantilesOf(latencies(alone, [...neighbours, ...strangers])).p99,
    together: quantilesOf(latencies(together, [...neighbours, ...strangers])).p99,
  };
  for (const [name, of] of Object.entries({ neighbours, strangers, greedy: [GREEDY] })) {
    for (const [when, reports] of Object.entries({ alone, together, flooded })) {
      const some = latencies(reports, of);
      if (some.length === 0) continue;
      const { p50, p99 } = quantilesOf(some);
      console.log(`${name}, ${when}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    }
  }
  const refused = together.filter(
    ({ workspaceId, countByStatus }) =>
      workspaceId !== GREEDY && Object.keys(countByStatus).some((status) => status !== "200"),
  );
  for (const [when, reports] of Object.entries({ together, flooded })) {
    const ofGreedy = reports.find(({ workspaceId }) => workspaceId === GREEDY);
    console.log(
      `greedy, ${when}: ${JSON.stringify(ofGreedy?.countByStatus)}, ${Math.round((ofGreedy?.done ?? 0) / seconds)} operations/s`,
    );
  }
  return [
    {
      what: `p99 of the others: ${p99OfOthers.alone.toFixed(1)} ms alone, ${p99OfOthers.together.toFixed(1)} ms beside the greedy one, ${(p99OfOthers.together / p99OfOthers.alone).toFixed(1)} times`,
      holds: p99OfOthers.together <= SLOWER_MOST * p99OfOthers.alone,
    },
    { what: "no request of the others was refused", holds: refused.length === 0 },
  ];
}
