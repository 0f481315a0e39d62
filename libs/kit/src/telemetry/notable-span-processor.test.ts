import { context, ROOT_CONTEXT, trace, TraceFlags, type Context, type Span } from "@opentelemetry/api";
import {
  createAlwaysRecordSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  AlwaysOffSampler,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { beforeEach, expect, it } from "vitest";
import { NotableSpanProcessor } from "./notable-span-processor.ts";
import { markFailed, markNotable } from "./tracing.ts";

let sent: InMemorySpanExporter;
let start: (name: string, parent?: Context) => Span;
beforeEach(() => {
  sent = new InMemorySpanExporter();
  const provider = new TracerProvider({
    // Samples no root span, and other spans if their parent is sampled.
    sampler: createAlwaysRecordSampler(new ParentBasedSampler({ root: new AlwaysOffSampler() })),
    spanProcessors: [new NotableSpanProcessor(new SimpleSpanProcessor({ exporter: sent }))],
  });
  const tracer = provider.getTracer("test");
  start = (name, parent = ROOT_CONTEXT) => tracer.startSpan(name, {}, parent);
});

const below = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);
const names = () => sent.getFinishedSpans().map(({ name }) => name);
/** The context of a span of another process. */
const remote = (traceFlags: TraceFlags) =>
  trace.setSpanContext(context.active(), {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags,
    isRemote: true,
  });

it("drops a trace without notable spans", () => {
  const first = start("first");
  start("child", below(first)).end();
  first.end();
  expect(names()).toEqual([]);
});

it("exports all spans of a trace in this process, if its first span becomes notable", () => {
  const first = start("first");
  const child = start("child", below(first));
  start("grandchild", below(child)).end();
  child.end();
  markNotable(first);
  first.end();
  expect(names()).toEqual(["grandchild", "child", "first"]);
  expect(sent.getFinishedSpans().map((span) => span.spanContext().traceFlags)).toEqual(
    names().map(() => TraceFlags.SAMPLED),
  );
});

it("exports all spans of a trace if one of them failed", () => {
  const first = start("first", remote(TraceFlags.NONE));
  const child = start("child", below(first));
  markFailed(child, new Error("no"));
  child.end();
  first.end();
  expect(names()).toEqual(["child", "first"]);
});

it("decides for each trace separately", () => {
  const [quiet, loud] = [start("quiet"), start("loud")];
  start("child of quiet", below(quiet)).end();
  markNotable(loud);
  loud.end();
  quiet.end();
  expect(names()).toEqual(["loud"]);
});

it("exports sampled spans immediately", () => {
  const first = start("first", remote(TraceFlags.SAMPLED));
  start("child", below(first)).end();
  expect(names()).toEqual(["child"]);
  first.end();
  expect(names()).toEqual(["child", "first"]);
});

it("does not hold spans indefinitely that end after the first span of their trace", () => {
  for (let n = 0; n < 5_000; n++) {
    const first = start("first");
    const late = start("late", below(first));
    first.end();
    late.end();
  }
  const first = start("first");
  markNotable(first);
  first.end();
  expect(names()).toEqual(["first"]);
});
