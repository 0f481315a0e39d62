/** Reports whether a lane's entry lies before another one. Ids are those of a Redis stream: `milliseconds-number`. */
export function isEntryBefore(id: string, other: string): boolean {
  const [ms, n] = partsOf(id);
  const [otherMs, otherN] = partsOf(other);
  return ms < otherMs || (ms === otherMs && n < otherN);
}

function partsOf(id: string): [ms: number, n: number] {
  const [ms, n] = id.split("-");
  return [Number(ms), Number(n ?? 0)];
}
