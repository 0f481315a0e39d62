import type { Sides } from "./sides.ts";

/** The same identities in three orders. */
type Orders = Sides<readonly number[]>;

/**
 * Combines two orders of the ancestor's items: every pair of items that either side inverted is inverted in the
 * result.
 *
 * @returns `undefined` if no such order exists: both sides moved an item, past each other.
 * @see Björner, "Orderings of Coxeter groups" (1984): the least upper bound in the weak order, unless it would also
 * invert a pair that neither side inverted.
 */
export function combineOrders({ ancestor, remote, local }: Orders): readonly number[] | undefined {
  const [before, inRemote, inLocal] = [ancestor, remote, local].map(indexOrder);
  if (!before || !inRemote || !inLocal) return undefined;
  const stands = (order: ReadonlyMap<number, number>, a: number, b: number) =>
    (order.get(a) ?? 0) < (order.get(b) ?? 0);
  const combined = remote.toSorted((a, b) => {
    const [first, second] = [stands(inRemote, a, b), stands(inLocal, a, b)];
    const isBefore = first === second ? first : !stands(before, a, b);
    return isBefore ? -1 : 1;
  });
  // The result inverts exactly the pairs that either side inverted, so the comparison was a consistent one.
  const byRemote = countTurned(ancestor, remote);
  const byLocal = countTurned(ancestor, local);
  const turned = (byRemote + byLocal + countTurned(remote, local)) / 2;
  const holds =
    countTurned(ancestor, combined) === turned &&
    byRemote + countTurned(remote, combined) === turned &&
    byLocal + countTurned(local, combined) === turned;
  return holds ? combined : undefined;
}

/** Reports whether every pair of the ancestor's items that one order inverts is also inverted in another order. */
export function turnsAsMuch(
  ancestor: readonly number[],
  less: readonly number[],
  more: readonly number[],
): boolean {
  return countTurned(ancestor, less) + countTurned(less, more) === countTurned(ancestor, more);
}

/** Counts the pairs that two orders place the other way around (Kendall's tau), by merge sort in O(n log n). */
function countTurned(from: readonly number[], to: readonly number[]): number {
  const index = indexOrder(from);
  let runs = Int32Array.from(to, (id) => index.get(id) ?? 0);
  let sorted = new Int32Array(runs.length);
  let turned = 0;
  for (let width = 1; width < runs.length; width *= 2) {
    for (let start = 0; start < runs.length; start += 2 * width) {
      const middle = Math.min(start + width, runs.length);
      const end = Math.min(start + 2 * width, runs.length);
      let [left, right] = [start, middle];
      for (let at = start; at < end; at++) {
        const takesLeft = right >= end || (left < middle && (runs[left] ?? 0) <= (runs[right] ?? 0));
        if (!takesLeft) turned += middle - left;
        sorted[at] = runs[takesLeft ? left++ : right++] ?? 0;
      }
    }
    [runs, sorted] = [sorted, runs];
  }
  return turned;
}

function indexOrder(order: readonly number[]): ReadonlyMap<number, number> {
  return new Map(order.map((id, index) => [id, index]));
}
