/** Returns a text that is the same for equal values: members in order, bytes as numbers, `undefined` by name. */
export function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes(${[...value].join(",")})`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? String(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
    .join(",")}}`;
}

export function checkEqual(actual: unknown, expected: unknown, about: string): void {
  const [got, wanted] = [canonical(actual), canonical(expected)];
  if (got !== wanted) throw new Error(`${about}: expected ${shorten(wanted)}, but got ${shorten(got)}`);
}

export function check(condition: boolean, about: string): void {
  if (!condition) throw new Error(about);
}

/** Checks that a promise rejects with the error code of the client. Without a code, any rejection will do. */
export async function checkRejects(promise: Promise<unknown>, code: string | undefined, about: string) {
  const outcome = await promise.then(
    () => "no rejection",
    (error: unknown) => describe(error),
  );
  if (outcome === "no rejection") throw new Error(`${about}: expected a rejection, but it resolved`);
  if (code !== undefined && !outcome.startsWith(`${code}:`))
    throw new Error(`${about}: expected ${code}, but got ${outcome}`);
}

const describe = (error: unknown) =>
  error instanceof Error && "code" in error
    ? `${String(error.code)}: ${error.message}`
    : `no error of the client: ${String(error)}`;

const shorten = (text: string) => (text.length > 600 ? `${text.slice(0, 600)}…` : text);
