/**
 * The shape of the data that Syncline's processes exchange, and its history. A rolling upgrade runs two versions of them
 * at once, so a change must be readable by the other one: add optional fields, and do not rename or remove. A change of
 * any schema changes the fingerprint; enter the new one here, with a sentence that says why the other version can read it.
 */
export const INTERNAL_WIRE_VERSIONS = [
  { fingerprint: "64c1c5ec16f8fe56", note: "Version 1, unreleased" },
] as const;
