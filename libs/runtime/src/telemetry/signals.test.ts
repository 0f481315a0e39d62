import { expect, it } from "vitest";
import { readSignals } from "./signals.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

it("lets nothing out that nobody asked for, but metrics to be scraped", () => {
  expect(readSignals({})).toEqual({ traces: [], metrics: ["prometheus"], logs: [] });
});

it("sends all signals to an endpoint, and metrics can still be scraped", () => {
  expect(readSignals(ENDPOINT)).toEqual({
    traces: ["otlp"],
    metrics: ["otlp", "prometheus"],
    logs: ["otlp"],
  });
});

it("sends one signal where only its endpoint is given", () => {
  expect(readSignals({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector:4318/v1/traces" })).toEqual({
    traces: ["otlp"],
    metrics: ["prometheus"],
    logs: [],
  });
});

it("takes exporters by name, each once", () => {
  expect(
    readSignals({ ...ENDPOINT, OTEL_METRICS_EXPORTER: "otlp, otlp", OTEL_LOGS_EXPORTER: "console" }),
  ).toEqual({ traces: ["otlp"], metrics: ["otlp"], logs: ["console"] });
});

it("switches a signal off, or all of them", () => {
  expect(readSignals({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }).traces).toEqual([]);
  expect(readSignals({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" })).toEqual({
    traces: [],
    metrics: [],
    logs: [],
  });
});
