import type { Attributes } from "@syncline/kit/telemetry";

/** A lane in the terms of the semantic conventions: a partition of one destination. */
export function laneAttributes(
  lane: number,
  operation: { name: string; type: "send" | "process" },
): Attributes {
  return {
    "messaging.system": "redis",
    "messaging.destination.name": "lanes",
    "messaging.destination.partition.id": String(lane),
    "messaging.operation.name": operation.name,
    "messaging.operation.type": operation.type,
    "syncline.lane": lane,
  };
}
