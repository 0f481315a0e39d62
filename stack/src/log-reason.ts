/**
 * Finds the sentence in a program's log that explains its end: a fatal line of ours, a sentence about the environment,
 * or a fatal line of Postgres or Redis.
 *
 * @returns `undefined` if no line explains it
 */
export function findReason(log: string): string | undefined {
  const lines = log.trimEnd().split("\n");
  return (
    lines.map(fatalMessageOf).findLast((message) => message !== undefined) ??
    lines.findLast((line) => line.startsWith("Cannot start. ")) ??
    postgresReason(lines) ??
    redisReason(lines)
  );
}

function fatalMessageOf(line: string): string | undefined {
  if (!line.startsWith("{") || !line.includes('"fatal"')) return undefined;
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
    return level === "fatal" && typeof msg === "string" ? msg : undefined;
  } catch {
    return undefined; // an incomplete line
  }
}

/** The text of a `FATAL:  …` or `PANIC:  …` line, with the detail and the hint that follow. */
function postgresReason(lines: readonly string[]): string | undefined {
  const at = lines.findLastIndex((line) => /\b(FATAL|PANIC): {2}/.test(line));
  if (at === -1) return undefined;
  return lines
    .slice(at, at + 3)
    .flatMap((line) => /\b(?:FATAL|PANIC|DETAIL|HINT): {2}(.*)/.exec(line)?.[1] ?? [])
    .join(" ");
}

/** The first line of the last run that names a failure: Redis prints less specific ones after it. */
function redisReason(lines: readonly string[]): string | undefined {
  const failure = /fatal|can't|cannot|failed|bad file format|no space left|permission denied/i;
  const line = lines.find(
    (each) => /^(\d+:\w .* # |\*\*\* FATAL|Fatal error)/.test(each) && failure.test(each),
  );
  if (line === undefined) return undefined;
  return line.startsWith("*** FATAL")
    ? `Redis: ${lines.slice(-2).join(" ")}`
    : line.replace(/^\d+:\w .*? # /, "Redis: ");
}
