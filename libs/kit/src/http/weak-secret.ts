/** The minimum number of distinct characters. Random secrets have more, in any encoding. */
const DISTINCT_CHARACTERS_MIN = 8;

/**
 * Texts from documentation, templates and examples, which attackers' lists contain. Words that are far apart only match
 * as separate words: `my` and `key` also occur in some random secrets.
 */
const WELL_KNOWN =
  /change.?(me|this|it)|replace.?(me|this)|(my|your)([^a-z0-9][a-z0-9]+){0,4}[^a-z0-9]?(secret|key)|(super|default|shared|jwt|string).{0,2}secret|secret.?(key|token)|example|placeholder|passw(or)?d|letmein|qwerty|lorem|256.?bit|least.?32|1234567890|abcdefgh/i;

/** Returns the reason if a secret can be guessed. */
export function weaknessOf(secret: string): string | undefined {
  if (new Set(secret).size < DISTINCT_CHARACTERS_MIN) return "has too few different characters";
  if ((secret + secret).indexOf(secret, 1) < secret.length) return "repeats itself";
  if (WELL_KNOWN.test(secret)) return "looks like one from an example: make a random one";
  return undefined;
}
