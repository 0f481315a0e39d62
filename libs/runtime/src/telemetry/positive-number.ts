/** An option from a variable's text; none where that is no number above 0, as if it were not set. */
export function positiveNumber<K extends string>(
  option: K,
  text: string | undefined,
): { [key in K]?: number } {
  const value = Number(text);
  return value > 0 ? ({ [option]: value } as { [key in K]: number }) : {};
}
