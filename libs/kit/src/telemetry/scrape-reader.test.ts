import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { beforeEach, expect, it } from "vitest";
import { ScrapeReader } from "./scrape-reader.ts";

let reader: ScrapeReader;
let provider: MeterProvider;
beforeEach(() => {
  reader = new ScrapeReader();
  provider = new MeterProvider({ readers: [reader] });
});

/** The lines of one metric. */
async function shown(name: string): Promise<string[]> {
  const { text } = await reader.scrape();
  return text.split("\n").filter((line) => line.includes(name));
}

it("names a metric with its unit, as a collector would", async () => {
  const meter = provider.getMeter("test");
  meter
    .createCounter("work.time", { unit: "s", description: "Time at work" })
    .add(1.5, { "work.kind": "hard" });
  meter.createGauge("memory.used", { unit: "By" }).record(7);
  meter.createUpDownCounter("things.open", { unit: "{thing}" }).add(2);
  expect(await shown("work")).toEqual([
    "# HELP work_time_seconds_total Time at work",
    "# TYPE work_time_seconds_total counter",
    'work_time_seconds_total{work_kind="hard"} 1.5',
  ]);
  expect(await shown("memory_used_bytes ")).toContain("memory_used_bytes 7");
  expect(await shown("things_open ")).toContain("things_open 2");
});

it("returns the other metrics if one cannot be observed, with the reason", async () => {
  const meter = provider.getMeter("test");
  meter.createObservableGauge("broken").addCallback(() => Promise.reject(new Error("the store is away")));
  meter.createObservableGauge("whole").addCallback((result) => {
    result.observe(1);
  });
  const { text, errors } = await reader.scrape();
  expect(text).toContain("\nwhole 1\n");
  expect(text).not.toContain("broken");
  expect(errors).toEqual([new Error("the store is away")]);
});
