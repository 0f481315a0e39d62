/**
 * The wire's shape and its history. A change of any schema that a client sends or receives changes the fingerprint;
 * enter the new one here with a sentence for clients, and say it in CHANGELOG.md.
 */
export const WIRE_VERSIONS = [{ fingerprint: "f1e1ba29a83304b9", note: "Version 1, unreleased" }] as const;
