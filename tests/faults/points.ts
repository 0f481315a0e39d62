import type { Fault, Service } from "./fault.ts";
import type { Faults, Hit } from "./faults.ts";

/**
 * - `plain`: some devices, with folds, groups and a conflict.
 * - `contended`: another device's write gets in between a merge's read and its commit.
 * - `outrun`: the device itself sends more in between.
 * - `refused`: Postgres refuses one operation of a window.
 * - `decided`: a person decides a parked conflict, and has a failed operation replayed.
 * - `deferred`: another transaction holds the workspace for a while, so that its lane continues without it.
 */
export type Story = "plain" | "contended" | "outrun" | "refused" | "decided" | "deferred";

/** A gap between two steps, and the faults in it. */
export interface CrashPoint {
  name: string;
  /** All of them must strike. */
  faults: readonly Fault[];
  /** The story in which the point is reached. */
  during: Story;
}

function point(name: string, ...faults: Fault[]): CrashPoint {
  return { name, faults, during: "plain" };
}

function faultOf(service: Service, action: Fault["action"]) {
  return (when: Fault["when"], step: string, containing?: string): Fault => ({
    service,
    step,
    when,
    action,
    ...(containing === undefined ? {} : { containing }),
  });
}

const crashIngest = faultOf("ingest", "crash");
const cutIngest = faultOf("ingest", "cut");
const crashWorker = faultOf("worker", "crash");
const crashConflict = faultOf("conflict", "crash");
const cutWorker = faultOf("worker", "cut");
const stallWorker = faultOf("worker", "stall");
const dropWorker = faultOf("worker", "drop");

/** In the keys of a removal, and in the rows of a transaction. */
const OF_RESOLUTION = ":resolution:";
const RESOLVES_CONFLICT = '"status":"resolved"';
/** In the entry of a decision, and in the rows of its transaction. */
const OF_DECISION = '"decision":{';
const DECIDES = '"choice":';
/** In the entry of a replay, and in the one change that the replay of its story makes. */
const OF_REPLAY = '"replay":true';
const REPLAYED = '"early":true';
/** In the values of read-ledger if a window holds no operations, but a conflict's id. */
const NO_OPERATIONS = "{}\n{}\n{}\n";

/** A frozen process's lanes are taken over, and it resumes: two drains, or two merges, overlap. */
const OVERLAP: CrashPoint[] = [
  point("worker: lock lost in the transaction", stallWorker("before", "COMMIT")),
  point("resolution: lock lost in the transaction", stallWorker("before", "COMMIT", RESOLVES_CONFLICT)),
  point("worker: lock lost before the transaction", stallWorker("after", "read-documents")),
  point("worker: lock lost before a conflict is recorded", stallWorker("after", "read-ledger", "title of ")),
  point("resolution: lock lost before the transaction", stallWorker("after", "read-ledger", NO_OPERATIONS)),
  // No key, seq or version is taken here: only the workspace's revision shows that it comes too late.
  {
    ...point(
      "next round: lock lost before the transaction",
      stallWorker("after", "read-ledger", NO_OPERATIONS),
    ),
    during: "contended",
  },
  point("worker: lock lost after commit", stallWorker("before", "removeEntries")),
  point("worker: lock lost after removal was sent", stallWorker("before", "publish:reply")),
  point("conflict: lock lost before republish", faultOf("conflict", "stall")("before", "appendResolution")),
];

const INGEST: CrashPoint[] = [
  point("ingest: before the device is claimed", crashIngest("before", "claim-device")),
  point("ingest: device claimed, before append", crashIngest("after", "claim-device")),
  point("ingest: append's answer lost", cutIngest("after", "appendBatch")),
  point("ingest: append sent, before wake-up", crashIngest("before", "drain.addStandardJob")),
  point("ingest: after append, wake-up sent", crashIngest("after", "appendBatch")),
  point("ingest: wake-up lost", faultOf("ingest", "drop")("before", "drain.addStandardJob")),
  point("ingest: after wake-up, before the reply", crashIngest("after", "drain.addStandardJob")),
  point("ingest: reply received, before the answer", crashIngest("before", "heard:reply")),
  point("ingest: reply lost", faultOf("ingest", "drop")("before", "heard:reply")),
  point("ingest: merge notified, before the answer", crashIngest("before", "heard:settled")),
  point("ingest: commit notified, before its readers are answered", crashIngest("before", "heard:changed")),
  point("ingest: before a status is read", crashIngest("before", "get")),
  point("ingest: status read in Redis, before the tables", crashIngest("before", "read-batches")),
  point("ingest: batch read, before its pending operations", crashIngest("after", "read-batches")),
  point("ingest: results known, before their documents", crashIngest("before", "read-carried")),
];

const WORKER: CrashPoint[] = [
  point("worker: job taken, before it starts", crashWorker("after", "drain.moveToActive")),
  point("worker: before the window is read", crashWorker("before", "readWindow")),
  point("worker: window read, before the state is read", crashWorker("after", "readWindow")),
  ...["read-workspaces", "read-batches", "read-ledger", "read-conflicts", "read-held"].map((step) =>
    point(`worker: while the state is read, after ${step}`, crashWorker("after", step)),
  ),
  point("worker: state read, before the transaction", crashWorker("after", "read-documents")),
  point("worker: a group's ancestors read, before the transaction", crashWorker("after", "read-history")),
  point("worker: after BEGIN, nothing written", crashWorker("before", "write-workspaces")),
  ...["workspaces", "changes", "conflicts", "held", "ledger", "batches"].map((table) =>
    point(`worker: in the transaction, after write-${table}`, crashWorker("after", `write-${table}`)),
  ),
  point("worker: all written, before commit", crashWorker("before", "COMMIT")),
  point("worker: connection lost before commit", cutWorker("before", "COMMIT")),
  point("worker: commit's answer lost", cutWorker("after", "COMMIT")),
  point("worker: after commit, before entries are removed", crashWorker("before", "removeEntries")),
  point("worker: after commit, before conflict jobs", crashWorker("before", "conflict.addStandardJob")),
  point("worker: conflict recorded, job not added", dropWorker("before", "conflict.addStandardJob")),
  point(
    "worker: after conflict jobs, before entries are removed",
    crashWorker("after", "conflict.addStandardJob"),
  ),
  point("worker: removal's answer lost", cutWorker("after", "removeEntries")),
  point("worker: removal sent, before replies", crashWorker("before", "publish:reply")),
  point("worker: after removal, replies sent", crashWorker("after", "removeEntries")),
  point("worker: reply lost", dropWorker("before", "publish:reply")),
  point("worker: after replies, before the commit notification", crashWorker("after", "publish:reply")),
  point("worker: all notified, before its job is done", crashWorker("after", "publish:changed")),
  point("worker: before its job is done", crashWorker("before", "drain.moveToFinished")),
  point("worker: its job done", crashWorker("after", "drain.moveToFinished")),
  point(
    "worker: drain failed, before its retry is recorded",
    cutWorker("before", "COMMIT"),
    crashWorker("before", "drain.updateData"),
  ),
  point(
    "worker: drain failed, before its job is put back",
    cutWorker("before", "COMMIT"),
    crashWorker("before", "drain.moveToDelayed"),
  ),
];

const CONFLICT: CrashPoint[] = [
  point("conflict: job taken, before it starts", crashConflict("after", "conflict.moveToActive")),
  point("conflict: before the record is read", crashConflict("before", "read-conflict")),
  point("conflict: record read, before the documents", crashConflict("after", "read-conflict")),
  point("conflict: remote read", crashConflict("after", "read-remote")),
  point("conflict: ancestor read, before the merge", crashConflict("after", "read-ancestor")),
  point("conflict: after merge, before republish", crashConflict("before", "appendResolution")),
  point("conflict: republish's answer lost", faultOf("conflict", "cut")("after", "appendResolution")),
  point("conflict: after republish, before wake-up", crashConflict("after", "appendResolution")),
  point("conflict: wake-up lost", faultOf("conflict", "drop")("before", "drain.addStandardJob")),
  point("conflict: after wake-up, before its job is done", crashConflict("after", "drain.addStandardJob")),
  point("conflict: before its job is done", crashConflict("before", "conflict.moveToFinished")),
  point(
    "conflict: merge failed, before its job is put back",
    faultOf("conflict", "cut")("after", "appendResolution"),
    crashConflict("before", "conflict.moveToDelayed"),
  ),
];

const SWEEP: CrashPoint[] = [
  point(
    "sweep: lane found, before it is woken",
    faultOf("ingest", "drop")("before", "drain.addStandardJob"),
    crashWorker("before", "drain.addStandardJob"),
  ),
  point(
    "sweep: conflicts listed, before their jobs are checked",
    dropWorker("before", "conflict.addStandardJob"),
    crashConflict("after", "list-open-conflicts"),
  ),
  point(
    "sweep: conflict found, before its job is added",
    dropWorker("before", "conflict.addStandardJob"),
    crashConflict("before", "conflict.addStandardJob"),
  ),
];

const RESOLUTION: CrashPoint[] = [
  point("resolution: before commit", crashWorker("before", "COMMIT", RESOLVES_CONFLICT)),
  point("resolution: commit's answer lost", cutWorker("after", "COMMIT", RESOLVES_CONFLICT)),
  point(
    "resolution: after commit, before its entry is removed",
    crashWorker("before", "removeEntries", OF_RESOLUTION),
  ),
  point(
    "resolution: after removal, its notification sent",
    crashWorker("after", "removeEntries", OF_RESOLUTION),
  ),
  point("resolution: its notification lost", dropWorker("before", "publish:settled")),
  point("resolution: after its notification", crashWorker("after", "publish:settled")),
];

const CONTENDED: CrashPoint[] = [
  point("next round: recorded, before its job", crashWorker("before", "conflict.addDelayedJob")),
  point("next round: its job not added", dropWorker("before", "conflict.addDelayedJob")),
  point(
    "next round: after its job, before the entry is removed",
    crashWorker("after", "conflict.addDelayedJob"),
  ),
  point("next round: commit's answer lost", cutWorker("after", "COMMIT", '"round":2')),
  point(
    "sweep: next round found, before its job is added",
    dropWorker("before", "conflict.addDelayedJob"),
    crashConflict("before", "conflict.addStandardJob"),
  ),
].map((each) => ({ ...each, during: "contended" }));

const OUTRUN: CrashPoint[] = [
  point("rest of a run: in the transaction, after move-held", crashWorker("after", "move-held")),
  point("rest of a run: commit's answer lost", cutWorker("after", "COMMIT", '"toConflictId"')),
  point("rest of a run: its device's view read, before the merge", crashConflict("after", "read-rises")),
].map((each) => ({ ...each, during: "outrun" }));

const REFUSED: CrashPoint[] = [
  point("refusal: before a dry run is rolled back", crashWorker("before", "ROLLBACK")),
  point("refusal: after a dry run", crashWorker("after", "ROLLBACK")),
  point("refusal: a dry run's answer lost", cutWorker("after", "ROLLBACK")),
  point("refusal: committed, before the entry is removed", crashWorker("before", "removeEntries")),
  point("refusal: one half of a window done, before the other", crashWorker("after", "publish:changed")),
].map((each) => ({ ...each, during: "refused" }));

const DECIDED: CrashPoint[] = [
  point("decision: previewed, before append", crashIngest("before", "appendBatch", OF_DECISION)),
  point("decision: append's answer lost", cutIngest("after", "appendBatch", OF_DECISION)),
  point("decision: after append, before the answer", crashIngest("after", "appendBatch", OF_DECISION)),
  point("decision: in the transaction, before write-decisions", crashWorker("before", "write-decisions")),
  point("decision: in the transaction, after write-decisions", crashWorker("after", "write-decisions")),
  point("decision: lock lost in the transaction", stallWorker("before", "COMMIT", DECIDES)),
  point("decision: commit's answer lost", cutWorker("after", "COMMIT", DECIDES)),
  point("replay: operation read, before its content", crashIngest("after", "read-operation")),
  point("replay: content read, before append", crashIngest("after", "read-content")),
  point("replay: append's answer lost", cutIngest("after", "appendBatch", OF_REPLAY)),
  point("replay: before commit", crashWorker("before", "COMMIT", REPLAYED)),
  point("replay: commit's answer lost", cutWorker("after", "COMMIT", REPLAYED)),
  point("decision: the times of edits read, before the preview", crashConflict("after", "read-edits")),
].map((each) => ({ ...each, during: "decided" }));

const DEFERRED: CrashPoint[] = [
  point("deferral: a row is locked, before its workspace is known", crashWorker("before", "find-locked")),
  point("deferral: workspace known, before its entries are moved", crashWorker("before", "deferEntries")),
  point("deferral: answer of the move lost", cutWorker("after", "deferEntries")),
  point("deferral: entries moved, before its drain is enqueued", crashWorker("after", "deferEntries")),
  point("deferral: its drain not enqueued", dropWorker("before", "drain.addDelayedJob")),
  point(
    "deferral: its drain enqueued, before the lane continues",
    crashWorker("after", "drain.addDelayedJob"),
  ),
  point(
    "deferral: over, before the workspace is back on its lane",
    crashWorker("before", "readmitWorkspace"),
  ),
  point("deferral: answer of the return lost", cutWorker("after", "readmitWorkspace")),
  point("deferral: lock lost before the return", stallWorker("before", "readmitWorkspace")),
].map((each) => ({ ...each, during: "deferred" }));

/** Every gap between two steps of ingest, drain, apply, conflict and republish. */
export const POINTS: readonly CrashPoint[] = [
  ...OVERLAP,
  ...INGEST,
  ...WORKER,
  ...CONFLICT,
  ...RESOLUTION,
  ...CONTENDED,
  ...OUTRUN,
  ...REFUSED,
  ...DECIDED,
  ...DEFERRED,
  ...SWEEP,
];

/** The steps that need no point, with the reason. */
const OUTSIDE: readonly { steps: RegExp; because: string }[] = [
  {
    steps: /: (info|client|hello|select|ping|quit|config|subscribe|unsubscribe)$/,
    because: "a connection's start, end and health checks",
  },
  {
    steps: /: (drain|conflict)\.(hmset|hset|hget|hgetall|bzpopmin|extendLocks|moveStalledJobsToWait)$/,
    because: "internal to BullMQ: waiting, lock renewal and the stalled check",
  },
  {
    steps: /^conflict: conflict\.(zscore|promote)$/,
    because: "checks for a round delayed too long: its job exists either way, and the next sweep finds it",
  },
  { steps: /: (multi|exec)$/, because: "the step is its content, done and answered with EXEC" },
  { steps: /: BEGIN$/, because: "no step was done yet; a point lies between it and the next step" },
  {
    steps: /^worker: (retention\.|drop-)/,
    because: "retention, which is not part of an operation's path",
  },
  {
    steps: /^worker: read-ledger-dropped$/,
    because: "the progress of retention; it is sent between two reads that points follow",
  },
  {
    steps: /^worker: read-views$/,
    because:
      "a read like read-history, which a point follows; only a device that continued after its merge needs it",
  },
  {
    steps: /^conflict: exists$/,
    because: "checks for a sent resolution; points lie before and after it",
  },
  {
    steps: /^ingest: read-full-held-queues$/,
    because: "read now and then, for a limit that is checked in memory",
  },
  { steps: /^worker: (xlen|smembers)$/, because: "a check of the sweep, which acts by a wake-up" },
  {
    steps: /^ingest: read-ledger$/,
    because: "the second half of read-batches, which a point follows",
  },
];

/** True if some point has a fault at this step, or the step needs none. */
export function isCovered(service: Service, step: string): boolean {
  return (
    OUTSIDE.some(({ steps }) => steps.test(`${service}: ${step}`)) ||
    POINTS.some(({ faults }) => faults.some((fault) => fault.service === service && fault.step === step))
  );
}

/** Steps whose arguments name no workspace and no lane, so that no fault can target one. */
const WITHOUT_PLACE =
  /^(get|list-open-conflicts|(drain|conflict)\.(moveToActive|moveToFinished|moveToDelayed))$/;

/** A point with its faults armed. */
export interface ArmedPoint {
  /** Resolves when all faults have struck, with the process that the last one struck. */
  hit: Promise<Hit | undefined>;
  /** The number of faults that have struck. */
  hits: () => number;
  disarm: () => Promise<void>;
}

/**
 * Arms a point's faults.
 *
 * @param about - limits the faults that can be targeted to steps with one of these in their arguments; by default they
 * strike anywhere
 */
export async function armPoint(
  faults: Faults,
  { faults: wanted }: CrashPoint,
  about?: readonly string[],
): Promise<ArmedPoint> {
  const armed = await Promise.all(
    wanted.map((fault) =>
      faults.arm(about === undefined || WITHOUT_PLACE.test(fault.step) ? fault : { ...fault, about }),
    ),
  );
  return {
    hit: Promise.all(armed.map(({ hit }) => hit)).then((hits) => hits.at(-1)),
    hits: () => armed.filter(({ hits }) => hits() > 0).length,
    disarm: async () => void (await Promise.all(armed.map(({ disarm }) => disarm()))),
  };
}
