import { expect, it } from "vitest";
import { readSignals } from "./signals.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

it("exports no signal by default, except metrics for scraping", () => {
  expect(readSignals({})).toEqual({ traces: [], metrics: ["prometheus"], logs: [] });
});

it("exports all signals to an endpoint, and metrics can still be scraped", () => {
  expect(readSignals(ENDPOINT)).toEqual({
    traces: ["otlp"],
    metrics: ["otlp", "prometheus"],
    logs: ["otlp"],
  });
});

it("exports one signal if only its endpoint is set", () => {
  expect(readSignals({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector:4318/v1/traces" })).toEqual({
    traces: ["otlp"],
    metrics: ["prometheus"],
    logs: [],
  });
});

it("reads exporters by name, each once", () => {
  expect(
    readSignals({ ...ENDPOINT, OTEL_METRICS_EXPORTER: "otlp, otlp", OTEL_LOGS_EXPORTER: "console" }),
  ).toEqual({ traces: ["otlp"], metrics: ["otlp"], logs: ["console"] });
});

it("disables one signal, or all", () => {
  expect(readSignals({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }).traces).toEqual([]);
  expect(readSignals({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" })).toEqual({
    traces: [],
    metrics: [],
    logs: [],
  });
});
