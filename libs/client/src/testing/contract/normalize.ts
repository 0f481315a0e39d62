/** Members whose values differ from run to run, or are sentences for people. */
const LEFT_OUT = new Set([
  "detail",
  "error",
  "reason",
  "title",
  "requestId",
  "request_id",
  "trace_id",
  "serverTimeMs",
  "processing_time_ms",
  "clock_skew_ms",
  "open_ms",
  "members",
  // Merges of a busy server may take more rounds.
  "rounds",
  "round",
  // The position in the conflicts counts commits, which a busy server may join.
  "id",
]);
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * Creates a function that makes answers of two servers comparable: ids become names in the order in which they first
 * appear, and what may differ is left out.
 */
export function createNormalizer(): (value: unknown) => unknown {
  const nameById = new Map<string, string>();
  const nameOf = (id: string) => {
    const name = nameById.get(id) ?? `id-${nameById.size}`;
    nameById.set(id, name);
    return name;
  };

  function normalize(value: unknown): unknown {
    if (typeof value === "string") return TIME.test(value) ? "time" : value.replaceAll(UUID, nameOf);
    if (Array.isArray(value)) return value.map(normalize);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).filter(([key, inner]) => !isLeftOut(key, inner));
    return Object.fromEntries(
      entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, normalizeMember(key, inner)]),
    );
  }

  function normalizeMember(key: string, value: unknown): unknown {
    // The cursor of a snapshot is opaque; that of a listing is an id.
    if (key === "next" && typeof value === "string" && value.length > 40) return "cursor";
    return normalize(value);
  }

  return normalize;
}

/** A document's own `id` stays. */
function isLeftOut(key: string, value: unknown): boolean {
  if (key === "id") return typeof value === "string" && /^\d+:/.test(value);
  return LEFT_OUT.has(key);
}
