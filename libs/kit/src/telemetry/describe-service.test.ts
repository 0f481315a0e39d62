import { diag, DiagLogLevel } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { expect, it, onTestFinished, vi } from "vitest";
import { describeService, withoutUnknown } from "./describe-service.ts";

it("leaves out attributes that a detector could not find, without a warning", async () => {
  const warn = vi.fn();
  const silent = () => {};
  diag.setLogger({ error: warn, warn, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);
  onTestFinished(() => diag.disable());
  const found = resourceFromAttributes({ "host.id": Promise.resolve(undefined), "host.name": "node_1" });
  const resource = await withoutUnknown(found.merge(resourceFromAttributes({ "host.name": "node_2" })));
  expect(resource.attributes).toEqual({ "host.name": "node_2" });
  expect(warn).not.toHaveBeenCalled();
});

it("names the service, and lets the environment rename it", async () => {
  expect((await describeService("syncline-ingest")).attributes).toMatchObject({
    "service.name": "syncline-ingest",
    "service.namespace": "syncline",
  });
  vi.stubEnv("OTEL_SERVICE_NAME", "of-our-own");
  onTestFinished(() => void vi.unstubAllEnvs());
  expect((await describeService("syncline-ingest")).attributes["service.name"]).toBe("of-our-own");
});
