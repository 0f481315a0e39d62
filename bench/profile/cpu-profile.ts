import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The used part of the output of `node --cpu-prof`. Times are microseconds of the machine's monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** A function at one position of the stack, as flame graphs take it. */
export interface Frame {
  readonly name: string;
  /** Including its callees, in milliseconds. */
  value: number;
  readonly children: Frame[];
}

export interface SelfTime {
  readonly name: string;
  readonly selfMs: number;
}

export interface ReadProfile {
  readonly wallMs: number;
  readonly idleMs: number;
  /** Without the idle time. */
  readonly root: Frame;
  /** By function, longest first. */
  readonly selfTimes: readonly SelfTime[];
}

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const IDLE = "(idle)";

/** Adds up the samples between two times, so that a service's start does not count as its load. */
export function readProfile(profile: CpuProfile, fromUs: number, toUs: number): ReadProfile {
  const selfUsById = new Map<number, number>();
  let nowUs = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    nowUs += profile.timeDeltas[index] ?? 0;
    // A sample stands for the time until the next one.
    const durationUs = profile.timeDeltas[index + 1] ?? 0;
    if (nowUs >= fromUs && nowUs < toUs) selfUsById.set(id, (selfUsById.get(id) ?? 0) + durationUs);
  }
  const nodeById = new Map(profile.nodes.map((node) => [node.id, node]));
  const selfMsByName = new Map<string, number>();
  let idleMs = 0;
  const toFrame = (id: number): Frame => {
    const node = nodeById.get(id);
    const name = node === undefined ? "?" : nameOf(node);
    const selfMs = (selfUsById.get(id) ?? 0) / 1_000;
    if (name === IDLE) idleMs += selfMs;
    else selfMsByName.set(name, (selfMsByName.get(name) ?? 0) + selfMs);
    const children = (node?.children ?? [])
      .map(toFrame)
      .filter((child) => child.value > 0 && child.name !== IDLE);
    return { name, value: selfMs + children.reduce((sum, { value }) => sum + value, 0), children };
  };
  const root = toFrame(profile.nodes[0]?.id ?? 0);
  return {
    wallMs: (toUs - fromUs) / 1_000,
    idleMs,
    root,
    selfTimes: [...selfMsByName]
      .map(([name, selfMs]) => ({ name, selfMs }))
      .toSorted((a, b) => b.selfMs - a.selfMs),
  };
}

/** The function and its location: below the repository, in a package, or in Node. */
function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  if (!url.startsWith("file:")) return `${name} ${url}`;
  const path = relative(REPOSITORY, fileURLToPath(url)).replace(/^.*node_modules\//, "");
  return `${name} ${path}:${lineNumber + 1}`;
}
