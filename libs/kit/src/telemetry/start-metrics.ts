import { metrics } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Logger } from "./log.ts";
import { createMetricReaders } from "./metric-readers.ts";
import { observeProcess } from "./process-metrics.ts";

/** Starts collecting metrics and exports them or lets them be scraped. */
export async function startMetrics(options: {
  exporters: readonly string[];
  resource: Resource;
  env: NodeJS.ProcessEnv;
  log: Logger;
}): Promise<{ scrape: (() => Promise<string>) | undefined; shutdown: () => Promise<void> }> {
  const { exporters, resource, env, log } = options;
  const { readers, scraped } = await createMetricReaders(exporters, env);
  const provider = new MeterProvider({ resource, readers });
  metrics.setGlobalMeterProvider(provider);
  observeProcess();
  const scrape = async (reader: NonNullable<typeof scraped>): Promise<string> => {
    const { text, errors } = await reader.scrape();
    for (const error of errors) log.warn({ err: error }, "some metrics could not be observed");
    return text;
  };
  return {
    scrape: scraped && (() => scrape(scraped)),
    shutdown: () => provider.shutdown(),
  };
}
