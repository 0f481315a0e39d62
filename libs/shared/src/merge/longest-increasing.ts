/**
 * Finds a longest strictly increasing subsequence, by patience sorting in O(n log n).
 *
 * @returns the indices of its members, ascending.
 */
export function longestIncreasing(values: readonly number[]): number[] {
  const previous = new Int32Array(values.length);
  /** The index of the smallest value that ends an increasing run of length + 1. */
  const tails: number[] = [];
  values.forEach((value, index) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] ?? 0] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous[index] = low > 0 ? (tails[low - 1] ?? -1) : -1;
    tails[low] = index;
  });
  const members: number[] = [];
  for (let index = tails.at(-1) ?? -1; index >= 0; index = previous[index] ?? -1) members.push(index);
  return members.toReversed();
}
