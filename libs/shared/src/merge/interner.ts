import type { Json } from "../document/json.ts";

/** Gives each value a number: equal values have equal numbers. */
export type Intern = (value: Json) => number;

/**
 * Creates the function that numbers the values of one merge. An array or object is read once, however many arrays
 * contain it.
 */
export function createInterner(): Intern {
  const numberByScalar = new Map<Json, number>();
  const numberByContent = new Map<string, number>();
  const numberByContainer = new Map<object, number>();
  let count = 0;
  const numberIn = <Key>(numbers: Map<Key, number>, key: Key): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, count);
    return count++;
  };
  const intern = (value: Json): number => {
    if (typeof value !== "object" || value === null) return numberIn(numberByScalar, value);
    const known = numberByContainer.get(value);
    if (known !== undefined) return known;
    const content = Array.isArray(value)
      ? `[${value.map(intern).join(",")}`
      : `{${Object.keys(value)
          .sort()
          .map((key) => `${intern(key)}:${intern(value[key] ?? null)}`)
          .join(",")}`;
    const number = numberIn(numberByContent, content);
    numberByContainer.set(value, number);
    return number;
  };
  return intern;
}
