import { sizeOf, type Json } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import type { Operation } from "./rows.ts";
import { nameOf } from "./rows.ts";

/** Bounds of a batch. */
export interface BatchLimits {
  readonly operationsMax: number;
  readonly bytesMax: number;
}

/** The next batch: operations that were sent before, then fresh ones in the order in which they take effect. */
export interface ChosenBatch {
  readonly operations: readonly Operation[];
  readonly deviceId: string;
  readonly onConflict: ConflictStrategy | undefined;
  readonly epoch: string | undefined;
}

/** Bytes of an operation beside its document. */
const FRAME_BYTES = 400;
const RANKS = { immediate: 0, high: 0, normal: 1, low: 2 } as const;

export function bytesOf({ effect }: Pick<Operation, "effect">): number {
  const content: Json = "data" in effect ? effect.data : "patch" in effect ? effect.patch : null;
  return FRAME_BYTES + sizeOf(content).bytes;
}

/** Facts that every operation of a batch shares. `undefined`: not decided yet. */
interface Shape {
  deviceId?: string;
  strategy?: { readonly value: ConflictStrategy | undefined };
  epoch?: string;
  operations: number;
  bytes: number;
}

/**
 * Chooses the operations of the next batch. Walks the outbox in order: a unit goes if none of its documents is blocked
 * and it fits; otherwise its documents are blocked, so that no operation overtakes another. A document with an
 * unanswered operation is blocked for new ones (R7); one that is parked is not. What was sent before goes first.
 *
 * Of the queued operations of a document only the first is chosen: the caller folds those after it into it.
 */
export function chooseBatch(
  outbox: Iterable<Operation>,
  deviceId: string,
  limits: BatchLimits,
  nowMs: number,
): ChosenBatch | null {
  const operations = [...outbox];
  const blocked = new Set<string>();
  const chosen: Operation[] = [];
  const shape: Shape = { operations: 0, bytes: 0 };
  const take = (unit: readonly Operation[], device: string) => {
    if (unit.some((operation) => blocked.has(nameOf(operation)))) return false;
    if (!unit.every((operation) => isDue(operation, nowMs)) || !fits(shape, unit, device, limits))
      return false;
    chosen.push(...unit);
    return true;
  };
  const sent = operations.filter(({ state }) => state === "sent");
  for (const unit of groupsOf(sent)) {
    const isTaken = take(unit, unit[0]?.wire?.deviceId ?? deviceId);
    if (!isTaken) for (const operation of unit) blocked.add(nameOf(operation));
  }
  for (const operation of sent) blocked.add(nameOf(operation));
  for (const unit of byRank(groupsOf(operations.filter(({ state }) => state === "queued")))) {
    take(unit, deviceId);
    // Either it went, and the next operation waits for its answer, or it waits itself.
    for (const operation of unit) blocked.add(nameOf(operation));
  }
  if (chosen.length === 0) return null;
  return {
    operations: chosen,
    deviceId: shape.deviceId ?? deviceId,
    onConflict: shape.strategy?.value,
    epoch: shape.epoch,
  };
}

/** An operation that waits for its batch, or for a time of its own, is not sent now. */
function isDue({ batchId, notBeforeMs = 0 }: Operation, nowMs: number): boolean {
  return batchId === undefined && notBeforeMs <= nowMs;
}

/** Adds a unit to the batch if the batch can carry it. A unit that is alone always fits: the server may refuse it. */
function fits(shape: Shape, unit: readonly Operation[], deviceId: string, limits: BatchLimits): boolean {
  const [first] = unit;
  const value = first === undefined ? undefined : strategyOf(first);
  const epochs = unit.flatMap((operation) => epochOf(operation) ?? []);
  const epoch = shape.epoch ?? epochs[0];
  const isAlike =
    (shape.deviceId ?? deviceId) === deviceId &&
    (shape.strategy === undefined || shape.strategy.value === value) &&
    epochs.every((other) => other === epoch);
  const operations = shape.operations + unit.length;
  const bytes = unit.reduce((sum, operation) => sum + bytesOf(operation), shape.bytes);
  const isSmall = operations <= limits.operationsMax && bytes <= limits.bytesMax;
  if (!isAlike || (!isSmall && shape.operations > 0)) return false;
  Object.assign(shape, { deviceId, strategy: { value }, operations, bytes });
  if (epoch !== undefined) shape.epoch = epoch;
  return true;
}

function strategyOf({ onConflict, strategyRefused }: Operation): ConflictStrategy | undefined {
  return strategyRefused ? undefined : onConflict;
}

/** The epoch of the version that an operation names. */
function epochOf({ wire, anchor }: Operation): string | undefined {
  if (wire !== undefined) return wire.expectedVersion === undefined ? undefined : wire.epoch;
  return anchor.version === null ? undefined : (anchor.epoch ?? undefined);
}

/** Units in the order of their first operations. A group is one, whatever lies between its members. */
function groupsOf(operations: readonly Operation[]): Operation[][] {
  const units: Operation[][] = [];
  const byGroup = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = operation.group === undefined ? undefined : byGroup.get(operation.group);
    if (group !== undefined) {
      group.push(operation);
      continue;
    }
    const unit = [operation];
    units.push(unit);
    if (operation.group !== undefined) byGroup.set(operation.group, unit);
  }
  return units;
}

/** Sorts units by priority. A unit that an urgent one must not overtake becomes as urgent. */
function byRank(units: readonly Operation[][]): Operation[][] {
  const rankByName = new Map<string, number>();
  const ranked = units.toReversed().map((unit) => {
    const own = Math.min(...unit.map(({ priority }) => RANKS[priority]));
    const rank = Math.min(own, ...unit.map((operation) => rankByName.get(nameOf(operation)) ?? own));
    for (const operation of unit) rankByName.set(nameOf(operation), rank);
    return { unit, rank };
  });
  return ranked
    .toReversed()
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ unit }) => unit);
}
