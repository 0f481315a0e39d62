import { z } from "zod";

/** Digits without a sign, a fraction, an exponent, a space or a leading zero. */
const SPELLING = /^(0|[1-9]\d{0,15})$/;

/** Bounds of a number in a query string. */
interface Bounds {
  min: number;
  max?: number;
}

/** Reads a whole number from a query string. Each number has exactly one spelling, so that none is misread. */
export function wholeNumber({ min, max = Number.MAX_SAFE_INTEGER }: Bounds) {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const message = `must be a whole number ${range}, in plain digits`;
  const isSpelled = (text: unknown) => typeof text === "string" && SPELLING.test(text);
  return z
    .custom<string>(isSpelled, message)
    .transform(Number)
    .pipe(z.number().min(min, message).max(max, message))
    .meta({ type: "integer", minimum: min, maximum: max });
}
