import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { expect, it } from "vitest";
import { carrierOf, inSharedContext, notable } from "./tracing.ts";

it("links the spans of all contexts to the span of the first", () => {
  const sent = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: sent })] });
  const spans = ["first", "second", "third"].map((name) => provider.getTracer("test").startSpan(name));
  const done = inSharedContext(
    spans.map((span) => trace.setSpan(ROOT_CONTEXT, span)),
    () => "done",
  );
  for (const span of spans) span.end();
  expect(done).toBe("done");
  const [first] = spans;
  expect(sent.getFinishedSpans().map(({ name, links }) => [name, links.map((link) => link.context)])).toEqual(
    [
      ["first", []],
      ["second", [first?.spanContext()]],
      ["third", [first?.spanContext()]],
    ],
  );
});

it("runs the function without any context, too", () => {
  expect(inSharedContext([], () => "done")).toBe("done");
});

it("marks a carrier as sampled, whether it was or not", () => {
  const ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
  expect(notable({ traceparent: `00-${ids}-00`, tracestate: "a=b" })).toEqual({
    traceparent: `00-${ids}-01`,
    tracestate: "a=b",
  });
  expect(notable({ traceparent: `00-${ids}-01` })).toEqual({ traceparent: `00-${ids}-01` });
  expect(notable({})).toEqual({});
});

it("returns the previous carrier if the span has no context", () => {
  const before = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  const unknown = trace.wrapSpanContext({ traceId: "", spanId: "", traceFlags: 0 });
  expect(carrierOf(unknown, before)).toEqual(before);
});
