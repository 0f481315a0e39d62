/** An option from a variable's text; empty, as if unset, unless it is a number above 0. */
export function positiveNumber<K extends string>(
  option: K,
  text: string | undefined,
): { [key in K]?: number } {
  const value = Number(text);
  return value > 0 ? ({ [option]: value } as { [key in K]: number }) : {};
}
