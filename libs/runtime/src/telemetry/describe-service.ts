import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  resourceFromAttributes,
  type Resource,
} from "@opentelemetry/resources";

const PACKAGE_JSON = new URL("../../package.json", import.meta.url);

/**
 * What is true of all that this process sends. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` go before it. Of the
 * detectors only the host's is asked besides: the process's puts the command line and its user on everything.
 */
export async function describeService(serviceName: string): Promise<Resource> {
  const { version } = JSON.parse(readFileSync(PACKAGE_JSON, "utf8")) as { version: string };
  const own = resourceFromAttributes({
    "service.name": serviceName,
    "service.namespace": "syncline",
    "service.version": version,
    "service.instance.id": randomUUID(),
  });
  const resource = defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [hostDetector, envDetector] }));
  return withoutUnknown(resource);
}

/** Leaves out what a detector could not find, such as a container's machine id: it would be warned of. */
export async function withoutUnknown(resource: Resource): Promise<Resource> {
  await resource.waitForAsyncAttributes?.();
  const known = resource.getRawAttributes().filter(([, value]) => value !== undefined);
  // The first of several values of a name is the one that counts.
  return resourceFromAttributes(Object.fromEntries(known.toReversed()));
}
