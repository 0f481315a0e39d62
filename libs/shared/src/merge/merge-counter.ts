import type { Sides } from "./sides.ts";

/** A decimal number: a whole number times a power of ten. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/**
 * Adds both sides' differences as decimal numbers: 19.99 → 29.99 and 19.99 → 24.99 make 34.99.
 *
 * @returns `undefined` if no double prints as the sum: it has too many digits, or is too large.
 */
export function mergeCounter({ ancestor, remote, local }: Sides<number>): number | undefined {
  const terms = [readDecimal(remote), readDecimal(local), negate(readDecimal(ancestor))];
  const exponent = Math.min(...terms.map((term) => term.exponent));
  const digits = terms.reduce((total, term) => total + scaleTo(exponent, term), 0n);
  const sum = Number(`${digits}e${exponent}`);
  if (!Number.isFinite(sum)) return undefined;
  const read = readDecimal(sum);
  const isExact =
    scaleTo(Math.min(exponent, read.exponent), read) ===
    scaleTo(Math.min(exponent, read.exponent), { digits, exponent });
  return isExact ? sum : undefined;
}

/** Reads a number as its shortest spelling, which is at most 17 digits. */
function readDecimal(value: number): Decimal {
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

function negate({ digits, exponent }: Decimal): Decimal {
  return { digits: -digits, exponent };
}

/** The digits of a number at a power of ten that is no greater than its own. */
function scaleTo(exponent: number, decimal: Decimal): bigint {
  return decimal.digits * 10n ** BigInt(decimal.exponent - exponent);
}
