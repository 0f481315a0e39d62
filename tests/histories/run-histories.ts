import fc from "fast-check";

/** Plays one history and compares it with the model; throws if they differ. */
export type Play<T> = (history: T) => Promise<void>;

/** The time limit for shrinking a failing history. */
const SHRINK_MS_MAX = 90_000;
/** Concurrent work may decide whether a history fails, so it is tried several times. */
const ATTEMPTS_TO_FAIL = 3;

/**
 * Plays this number of histories, several of them concurrently: each has its own workspaces, so that they share only
 * lanes and windows. The first failing one is played alone, shrunk, and printed as JSON that can be replayed.
 */
export async function runHistories<T>(
  histories: fc.Arbitrary<T>,
  play: Play<T>,
  { runs, seed, atOnce }: { runs: number; seed: number; atOnce: number },
): Promise<void> {
  const sampled = fc.sample(histories, { seed, numRuns: runs });
  let failure: { index: number; error: unknown } | undefined;
  const waiting = sampled.entries();
  const playOn = async () => {
    for (const [index, history] of waiting) {
      if (failure !== undefined) return;
      try {
        await play(history);
      } catch (error) {
        failure ??= { index, error };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, playOn));
  if (failure === undefined) return;
  const { index, error } = failure;
  console.error(`History ${index} of seed ${seed} failed: ${messageOf(error)}\n\nShrinking it ...`);
  const { counterexample, errorInstance, numShrinks } = await shrink(histories, play, seed, index);
  const smallest = counterexample ?? sampled[index];
  const how = counterexample
    ? `shrunk ${numShrinks} times`
    : `not reproduced in ${ATTEMPTS_TO_FAIL} more attempts alone, so not shrunk`;
  console.error(
    `\nTo replay it, save it to a file and pass that to --replay (${how}):\n${JSON.stringify(smallest)}`,
  );
  throw new Error(`History ${index} of seed ${seed}: ${messageOf(errorInstance ?? error)}`, { cause: error });
}

/** Plays one history several times, because concurrent work decides its course. */
export async function replayHistory<T>(history: T, play: Play<T>, times: number): Promise<void> {
  for (let time = 1; time <= times; time++) await play(history);
}

interface Shrunk<T> {
  counterexample?: T | undefined;
  errorInstance: unknown;
  numShrinks: number;
}

async function shrink<T>(
  histories: fc.Arbitrary<T>,
  play: Play<T>,
  seed: number,
  index: number,
): Promise<Shrunk<T>> {
  const property = fc.asyncProperty(histories, (history) => replayHistory(history, play, ATTEMPTS_TO_FAIL));
  const { counterexample, errorInstance, numShrinks } = await fc.check(property, {
    seed,
    path: String(index),
    numRuns: 1,
    interruptAfterTimeLimit: SHRINK_MS_MAX,
  });
  return { counterexample: counterexample?.[0], errorInstance, numShrinks };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
