const SPECIAL = /["\\]/;

/**
 * Writes a one-dimensional array as Postgres reads it, for a parameter that is cast to its type. The driver does so, too, but
 * takes several times as long, which counts where a statement has thousands of rows in columns.
 */
export function arrayLiteral(values: readonly (string | number | boolean | null)[]): string {
  return `{${values.map(elementOf).join(",")}}`;
}

function elementOf(value: string | number | boolean | null): string {
  if (value === null) return "NULL";
  if (typeof value !== "string") return String(value);
  return SPECIAL.test(value) ? `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${value}"`;
}
