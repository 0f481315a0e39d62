import type { AcceptedOperation } from "./lane-entry.ts";

type Placed = Pick<AcceptedOperation, "kind" | "collection" | "documentId" | "group">;

/**
 * Puts the operations of a batch in the order in which they take effect. A delete goes to the end, unless a later
 * operation of the batch names its document, so that parents exist and children go last. A group is brought
 * together at its first member. All other operations keep their place.
 */
export function orderOperations<T extends Placed>(operations: readonly T[]): T[] {
  const lastIndexByDocument = new Map<string, number>();
  operations.forEach((operation, index) => lastIndexByDocument.set(documentKey(operation), index));

  const staying: T[] = [];
  const deletes: T[] = [];
  operations.forEach((operation, index) => {
    const movable = operation.kind === "delete" && lastIndexByDocument.get(documentKey(operation)) === index;
    (movable ? deletes : staying).push(operation);
  });
  return gatherGroups([...staying, ...deletes]);
}

function gatherGroups<T extends Placed>(operations: T[]): T[] {
  if (operations.every((operation) => operation.group === undefined)) return operations;
  const membersByGroup = new Map<string, T[]>();
  const units: T[][] = [];
  for (const operation of operations) {
    const members = operation.group === undefined ? undefined : membersByGroup.get(operation.group);
    if (members !== undefined) {
      members.push(operation);
      continue;
    }
    const unit = [operation];
    units.push(unit);
    if (operation.group !== undefined) membersByGroup.set(operation.group, unit);
  }
  return units.flat();
}

function documentKey(operation: Placed): string {
  return JSON.stringify([operation.collection, operation.documentId]);
}
