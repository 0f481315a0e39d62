/** Records how to take back what was added since the last {@link mark}, so that a failing group leaves no trace. */
export class UndoLog {
  readonly #steps: (() => void)[] = [];

  /** Marks the point that {@link undo} returns to. */
  mark(): void {
    this.#steps.length = 0;
  }

  undo(): void {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) step();
  }

  /** Adds the step that takes back what the caller does. */
  push(step: () => void): void {
    this.#steps.push(step);
  }

  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    this.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
    map.set(key, value);
  }

  delete<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    if (before === undefined) return;
    this.push(() => map.set(key, before));
    map.delete(key);
  }

  add<T>(set: Set<T>, item: T): void {
    if (set.has(item)) return;
    this.push(() => set.delete(item));
    set.add(item);
  }

  /** Appends an item; until it is taken back, only more items may be appended. */
  append<T>(list: T[], item: T): void {
    this.push(() => list.pop());
    list.push(item);
  }
}
