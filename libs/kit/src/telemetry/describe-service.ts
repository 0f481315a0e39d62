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
 * Describes this process in all its telemetry. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence. The
 * only detector is the host's: the process detector would add the command line and its user to every signal.
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

/**
 * Removes attributes that a detector could not find, such as a container's machine id: the SDK would warn about them.
 */
export async function withoutUnknown(resource: Resource): Promise<Resource> {
  await resource.waitForAsyncAttributes?.();
  const known = resource.getRawAttributes().filter(([, value]) => value !== undefined);
  // The first of several values of a name counts.
  return resourceFromAttributes(Object.fromEntries(known.toReversed()));
}
