import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { syncline } from "../contenders/syncline.ts";
import { describeShape, type Shape } from "../load/shape.ts";
import { compareRounds, cpuMsAnOperation, find, medianOf, p50Of, requestRateOf } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { takeRounds, withContenders, type RunLoad } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";

const WITHOUT = "no telemetry";
const METRICS = "metrics at /metrics";
const SHARE = "metrics, and one in twenty traces by OTLP";
const TRACES = "metrics, and all traces by OTLP";

/** CPU of all processes with telemetry and without, all at the same rate: half of the highest rate without. */
export function telemetry(shape: Shape): Scenario {
  const title = `telemetry, ${describeShape(shape)}`;
  return {
    name: `telemetry-${shape.operations}x${shape.connections}`,
    title,
    quick: false,
    async run({ stores, rounds }) {
      const collector = await startCollector();
      const traced = {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_METRICS_EXPORTER: "prometheus",
        OTEL_LOGS_EXPORTER: "none",
      };
      const contenders = [
        syncline({ name: WITHOUT, env: { OTEL_SDK_DISABLED: "true" } }),
        syncline({ name: METRICS }),
        syncline({
          name: SHARE,
          env: {
            ...traced,
            OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
            OTEL_TRACES_SAMPLER_ARG: "0.05",
          },
        }),
        syncline({ name: TRACES, env: traced }),
      ];
      try {
        return await withContenders({ stores, shape, ...rounds }, contenders, async (race) => {
          // Runs all contenders, though one would do: a longer run would be better compiled than the others.
          const highest = await takeRounds(race, { ...rounds, rounds: 1 });
          const rate = medianOf(find(highest, WITHOUT), requestRateOf) / 2;
          const runOpen: RunLoad = ({ load }, durationMs) => load.runOpen(durationMs, rate);
          const measured = await takeRounds(race, rounds, runOpen);
          if (collector.receivedBytes() === 0) throw new Error("The collector received no trace");
          const without = find(measured, WITHOUT);
          const goals = [METRICS, SHARE, TRACES].map((name) => {
            const ratio = compareRounds(find(measured, name), without, cpuMsAnOperation);
            const p50 = compareRounds(find(measured, name), without, p50Of);
            return {
              what: `${name}, ${describeShape(shape)}: CPU of all processes at half load`,
              ratio: ratio.median,
              spread: ratio.spread,
              unit: "times that without telemetry",
              better: "lower" as const,
              firstBar: 1.05,
              goal: 1.05,
              beside: `p50 ${round(p50.median)} times; ${round(rate)} requests/s`,
            };
          });
          return { goals, tables: [measuredTable(title, measured)], measured };
        });
      } finally {
        collector.stop();
      }
    },
  };
}

/** Accepts and discards all telemetry. */
async function startCollector(): Promise<{ url: string; receivedBytes: () => number; stop(): void }> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    receivedBytes: () => bytes,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
