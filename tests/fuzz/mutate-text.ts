import fc from "fast-check";

const BYTES_ODD = [0x00, 0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xed, 0xfe, 0xff];

type Mutate = (text: string, at: number) => string | Buffer;

/** Changes of a good body, at a position between 0 and 1. */
const MUTATIONS: Mutate[] = [
  (text) => text,
  (text, at) => text.slice(0, Math.floor(text.length * at)),
  (text, at) => insert(text, at, text.slice(0, 50)),
  (text, at) => withByte(text, at, BYTES_ODD[Math.floor(at * BYTES_ODD.length)] ?? 0),
  (text, at) => withByte(text, at, Math.floor(at * 256)),
  // A duplicate key, in the outermost object and in the first document.
  (text) => text.replace("{", '{"operations":[],'),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"twice":1,"tw\\u0069ce":2,`),
  // Numbers beyond a double's precision.
  (text) => text.replace(/(?<=[:[])-?\d+(?=[,\]}])/, "12345678901234567890"),
  (text) => text.replace(/(?<=[:[])-?\d+(?=[,\]}])/, "1e400"),
  (text) => text.replace(/(?<=[:[])-?\d+(?=[,\]}])/, "0.1000000000000000055511151231257827"),
  (text) => text.replace(/(?<=[:[])-?\d+(?=[,\]}])/, `1${"0".repeat(400)}`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"big":1e308,"small":5e-324,"minus":-0,`),
  // Strings that Postgres cannot store, and keys that reach into prototypes.
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"nul":"\\u0000",`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"half":"\\ud800",`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"\\udfff\\ud800":1,`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"__pr\\u006fto__":{"admin":true},`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"constructor":{"prototype":{"admin":true}},`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"${"k".repeat(100_000)}":1,`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"deep":${"[".repeat(70)}${"]".repeat(70)},`),
  (text) => text.replace(/"data":\s*\{/, (found) => `${found}"deep":${nested(60)},`),
  (text) => `\ufeff${text}`,
  (text) => `${text}${text}`,
  (text) => Buffer.from(text, "utf16le"),
  (text) => `[${text}]`,
];

/** Changes a body at a few positions, or at none. */
export const mutation: fc.Arbitrary<(text: string) => string | Buffer> = fc
  .tuple(fc.constantFrom(...MUTATIONS), fc.double({ min: 0, max: 0.999, noNaN: true }))
  .map(
    ([mutate, at]) =>
      (text: string) =>
        mutate(text, at),
  );

function insert(text: string, at: number, piece: string): string {
  const index = Math.floor(text.length * at);
  return text.slice(0, index) + piece + text.slice(index);
}

function withByte(text: string, at: number, byte: number): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 0) bytes[Math.floor(bytes.length * at)] = byte;
  return bytes;
}

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}
