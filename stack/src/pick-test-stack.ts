import { messageOf, StackError } from "./stack-error.ts";

/** The kind of stores for the tests, and the reason, which is printed. */
export interface TestStackChoice {
  readonly kind: "containers" | "local";
  readonly reason: string;
}

/** The part of a container engine that the choice needs. */
export interface ContainerEngine {
  hasImage(image: string): Promise<boolean>;
  pullImage(image: string): Promise<void>;
}

export interface PickTestStackInput {
  /** `TEST_STACK` of the environment. */
  readonly wish: string | undefined;
  readonly images: readonly string[];
  readonly pullTimeoutMs: number;
  /** Throws if no engine answers. */
  readonly connectEngine: () => Promise<ContainerEngine>;
}

/**
 * Picks containers if an engine answers and has or pulls its images in time, otherwise the binaries of this machine. An
 * explicit wish is binding: if the named kind is not available, that is an error, not a fallback.
 */
export async function pickTestStack(input: PickTestStackInput): Promise<TestStackChoice> {
  const { wish } = input;
  if (wish === "local") return { kind: "local", reason: "TEST_STACK=local" };
  if (wish !== undefined && wish !== "" && wish !== "containers") {
    throw new StackError(`TEST_STACK must be "local" or "containers", but is "${wish}".`);
  }
  const obstacle = await findObstacle(input);
  if (obstacle === undefined) return { kind: "containers", reason: "a container engine answers" };
  if (wish === "containers") throw new StackError(`TEST_STACK=containers is not possible: ${obstacle}.`);
  return { kind: "local", reason: obstacle };
}

async function findObstacle({
  images,
  pullTimeoutMs,
  connectEngine,
}: PickTestStackInput): Promise<string | undefined> {
  let engine: ContainerEngine;
  try {
    engine = await connectEngine();
  } catch {
    return "no container engine answers"; // the usual case, whose message adds no information
  }
  const missing: string[] = [];
  for (const image of images) if (!(await engine.hasImage(image))) missing.push(image);
  if (missing.length === 0) return undefined;
  try {
    await withinTime(Promise.all(missing.map((image) => engine.pullImage(image))), pullTimeoutMs);
    return undefined;
  } catch (error) {
    return `the images ${missing.join(", ")} are not there and could not be pulled (${messageOf(error)})`;
  }
}

async function withinTime(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeoutMs / 1_000} s`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
