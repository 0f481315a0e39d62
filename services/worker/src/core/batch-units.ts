import type { AcceptedBatch, AcceptedOperation } from "@syncline/shared/protocol";

/** Operations that take effect together or not at all: a group, or a single operation. */
export interface Unit {
  grouped: boolean;
  operations: AcceptedOperation[];
}

/**
 * Splits a batch into units. Ingest has brought each group together, so a unit is a run of operations with one
 * group, or a single operation.
 */
export function unitsOf(batch: AcceptedBatch): Unit[] {
  if (batch.atomic) return [{ grouped: true, operations: batch.operations }];
  const units: Unit[] = [];
  for (const operation of batch.operations) {
    const last = units.at(-1);
    if (operation.group !== undefined && last?.operations[0]?.group === operation.group) {
      last.operations.push(operation);
    } else {
      units.push({ grouped: operation.group !== undefined, operations: [operation] });
    }
  }
  return units;
}
