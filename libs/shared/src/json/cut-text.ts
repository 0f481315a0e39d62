/** The first characters of a text, and no half of a surrogate pair at their end: Postgres has no room for one. */
export function cutText(text: string, charsMax: number): string {
  // A character that begins at the last place, and takes two.
  const cutsPair = (text.codePointAt(charsMax - 1) ?? 0) > 0xffff;
  return text.slice(0, cutsPair ? charsMax - 1 : charsMax);
}
