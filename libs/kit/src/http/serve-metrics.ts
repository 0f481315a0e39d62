import type { Lifecycle } from "../process/lifecycle.ts";
import type { ReadinessCheck } from "../process/readiness-check.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { createHealthHandler } from "./health.ts";
import { listen } from "./listen.ts";

/**
 * Serves metrics and health on METRICS_PORT, if it is set.
 *
 * @returns the metrics that the service's own port has to serve, if any
 */
export async function serveMetrics(
  life: Pick<Lifecycle, "own">,
  { scrape }: Telemetry,
  health: { isRunning: () => boolean; checkByName: Readonly<Record<string, ReadinessCheck>> },
  env: { HOST: string; METRICS_PORT?: number | undefined },
): Promise<Telemetry["scrape"]> {
  if (env.METRICS_PORT === undefined) return scrape;
  const server = await listen(createHealthHandler({ ...health, scrape }), {
    host: env.HOST,
    port: env.METRICS_PORT,
  });
  life.own("metrics server", server, (s) => s.close());
  return undefined;
}
