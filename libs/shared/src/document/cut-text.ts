/** Returns the first characters of a text, without half of a surrogate pair at the end, which Postgres would refuse. */
export function cutText(text: string, charsMax: number): string {
  // The last position may be the first half of a pair.
  const cutsPair = (text.codePointAt(charsMax - 1) ?? 0) > 0xffff;
  return text.slice(0, cutsPair ? charsMax - 1 : charsMax);
}
