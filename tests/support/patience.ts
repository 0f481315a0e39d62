/**
 * The longest wait in milliseconds for a condition that should come to hold. It ends tests that hang, and decides
 * nothing else, so it is long enough for a slow and busy machine. `TEST_PATIENCE_MS` sets another one.
 */
export const PATIENCE_MS = Number(process.env["TEST_PATIENCE_MS"] ?? 120_000);
