import { ANSWER_TABLE, FORBIDDEN_TABLE, type Reaction } from "../core/answer-table.ts";
import type { ChosenBatch } from "../core/choose-batch.ts";
import type { End } from "../core/end-operations.ts";
import { endUnit, unitsOf } from "../core/settle-results.ts";
import { backOffMs, toldMs } from "../core/retry.ts";
import { nameOf, type Operation } from "../core/rows.ts";
import type { Failure } from "../ports/answer.ts";
import { DONE, type Attempt, type StepEnd } from "./engine-context.ts";
import { pullFeed } from "./pull.ts";
import type { CallFailure } from "./requests.ts";

/** A role that does not suffice is tried again after that time, or with a new token. */
const ROLE_RETRY_MS = 5 * 60_000;
/** So many answers 500 to one batch, while other requests succeed, blame the batch. */
const SERVER_FAULTS_MAX = 3;

/** Looks up the reaction to a failure. The token's claims tell the cause of a 403 that does not. */
export function reactionTo(failure: Failure, { parts, workspace }: Attempt): Reaction {
  if (failure.kind !== "forbidden") return ANSWER_TABLE[failure.kind];
  if (failure.cause !== "unknown") return FORBIDDEN_TABLE[failure.cause];
  const claims = parts.tokens.current?.workspaces;
  if (claims === undefined) return "stopPushing";
  const role = Array.isArray(claims)
    ? claims.includes(workspace)
    : (claims as Record<string, unknown>)[workspace];
  if (role === undefined || role === false) return "accessLost";
  return role === "reader" ? "stopPushing" : "newDevice";
}

/** Reacts to a failed batch by the table. `done`: others may go now; `failed`: the attempt ends. */
export async function reactToPush(
  attempt: Attempt,
  chosen: ChosenBatch,
  failure: CallFailure,
): Promise<StepEnd> {
  const failed: StepEnd = { kind: "failed", failure };
  if (failure.kind === "wrongAccount") return failed;
  switch (reactionTo(failure, attempt)) {
    case "backOff":
      return failure.status === 500 ? await blameBatch(attempt, chosen, failed) : failed;
    case "waitAsTold":
      return await waitAsTold(attempt, chosen, failure, failed);
    case "stopPushing":
      attempt.memory.pushBlocked = {
        untilMs: attempt.parts.clock.nowMs() + ROLE_RETRY_MS,
        tokenGeneration: attempt.parts.tokens.generation,
      };
      return DONE;
    case "newDevice":
      return await changeDevice(attempt, chosen, failure);
    case "dropStrategy":
      return await dropStrategy(attempt, chosen, failure);
    case "halve":
      return await halve(attempt, chosen, {
        code: "tooLarge",
        reason: failure.detail ?? "The request is too large",
      });
    case "refuseNamed":
      return await refuseNamed(attempt, chosen, failure, failed);
    case "newToken":
    case "accessLost":
    case "sendAgain":
    case "readAnew":
    case "fail":
  }
  return failed;
}

async function endUnits(attempt: Attempt, numbers: ReadonlySet<number>, end: End): Promise<void> {
  await attempt.commit((draft) => {
    const some = [...draft.outbox.values()].filter(({ n, state }) => state === "sent" && numbers.has(n));
    for (const unit of unitsOf(some)) {
      const { group } = unit[0] ?? {};
      const whole = [...draft.outbox.values()].filter(
        (other) => group !== undefined && other.group === group,
      );
      endUnit(draft, whole.length > 0 ? whole : unit, end);
    }
  });
}

const numbersOf = (operations: readonly Operation[]) => new Set(operations.map(({ n }) => n));

/** Makes the next batch half as large. A unit that is alone ends. */
async function halve(attempt: Attempt, { operations }: ChosenBatch, end: End): Promise<StepEnd> {
  if (unitsOf(operations).length > 1) {
    halveLimits(attempt, operations.length);
    return DONE;
  }
  await pullFeed(attempt);
  await endUnits(attempt, numbersOf(operations), end);
  return DONE;
}

function halveLimits({ memory }: Attempt, operations: number): void {
  memory.limits = {
    operationsMax: Math.max(1, Math.floor(operations / 2)),
    bytesMax: Math.max(1, Math.floor(memory.limits.bytesMax / 2)),
  };
}

/**
 * Narrows down the operation that the server fails on: if the feed can be read meanwhile, the batch is to blame. A unit
 * that is alone waits by itself and blocks only its documents, and ends after some tries.
 */
async function blameBatch(attempt: Attempt, { operations }: ChosenBatch, failed: StepEnd): Promise<StepEnd> {
  const { memory, parts } = attempt;
  if ((await pullFeed(attempt)).kind === "failed") return failed;
  memory.serverFaults += 1;
  if (memory.serverFaults < SERVER_FAULTS_MAX) return failed;
  if (unitsOf(operations).length > 1) {
    halveLimits(attempt, operations.length);
    return DONE;
  }
  const [first] = operations;
  const blamed = (first?.blamed ?? 0) + 1;
  if (blamed >= (first?.maxRetries ?? 1)) {
    const reason = "The server fails on it";
    await endUnits(attempt, numbersOf(operations), { code: "unknown", reason, mayBeApplied: true });
    return DONE;
  }
  const waitMs = backOffMs(blamed + 3, parts.settings, parts.random.fraction());
  await delay(attempt, numbersOf(operations), parts.clock.nowMs() + waitMs, blamed);
  return DONE;
}

/** Gives operations a wait of their own. */
export async function delay(
  attempt: Attempt,
  numbers: ReadonlySet<number>,
  notBeforeMs: number,
  blamed?: number,
) {
  await attempt.commit((draft) => {
    for (const operation of draft.outbox.values()) {
      if (!numbers.has(operation.n)) continue;
      draft.outbox.set(operation.n, { ...operation, notBeforeMs, blamed: blamed ?? operation.blamed });
    }
  });
}

/** A `too-many-held` names an operation: its document waits, and others continue. */
async function waitAsTold(
  attempt: Attempt,
  { operations }: ChosenBatch,
  failure: Failure,
  failed: StepEnd,
): Promise<StepEnd> {
  const named = operations.find(
    ({ wire }) => failure.kind === "overloaded" && wire !== undefined && wire.clientId === failure.operation,
  );
  if (named === undefined || failure.kind !== "overloaded") return failed;
  const { clock, random } = attempt.parts;
  const sameDocument = operations.filter((operation) => nameOf(operation) === nameOf(named));
  const untilMs = clock.nowMs() + toldMs(failure.retryAfterMs ?? 1_000, random.fraction());
  await delay(attempt, numbersOf(sameDocument), untilMs);
  return DONE;
}

/** The device belongs to another user: a new id is made. What was sent under the old one is tried once more under it. */
async function changeDevice(attempt: Attempt, chosen: ChosenBatch, failure: Failure): Promise<StepEnd> {
  const { device } = attempt.parts;
  if (chosen.deviceId === device.id) {
    await device.renew();
    return DONE;
  }
  const reason = failure.detail ?? "The device belongs to another user";
  await endUnits(attempt, numbersOf(chosen.operations), { code: "unknown", reason, mayBeApplied: true });
  return DONE;
}

async function dropStrategy(
  attempt: Attempt,
  { operations }: ChosenBatch,
  failure: Failure,
): Promise<StepEnd> {
  const found = namedBy(failure, operations);
  const named = found.length > 0 ? found : operations;
  const again = named.filter(({ strategyRefused }) => strategyRefused === true);
  if (again.length > 0) {
    await pullFeed(attempt);
    const reason = failure.detail ?? "The conflict strategy is not allowed";
    await endUnits(attempt, numbersOf(again), { code: "refused", errorType: "override-not-allowed", reason });
  }
  await attempt.commit((draft) => {
    for (const { n } of named) {
      const operation = draft.outbox.get(n);
      if (operation !== undefined) draft.outbox.set(n, { ...operation, strategyRefused: true });
    }
  });
  return DONE;
}

/** Ends the operations that a 422 names; the rest of the batch is sent again at once. Nothing of it was accepted. */
async function refuseNamed(
  attempt: Attempt,
  { operations }: ChosenBatch,
  failure: Failure,
  failed: StepEnd,
): Promise<StepEnd> {
  const named = failure.kind === "invalid" ? namedBy(failure, operations) : [];
  if (named.length === 0) return failed;
  await pullFeed(attempt);
  await endUnits(attempt, numbersOf(named), {
    code: "refused",
    errorType: failure.problem ?? "invalid-field",
    reason: failure.detail ?? "The server refuses the operation",
    ...(failure.requestId === undefined ? {} : { requestId: failure.requestId }),
  });
  return DONE;
}

/** The operations that a failure names, with their groups. */
function namedBy(failure: Failure, operations: readonly Operation[]): Operation[] {
  const ids = failure.kind === "invalid" || failure.kind === "overrideNotAllowed" ? failure.operations : [];
  const named = operations.filter(({ wire }) => wire !== undefined && ids.includes(wire.clientId));
  const groups = new Set(named.flatMap(({ group }) => group ?? []));
  return operations.filter(
    (operation) =>
      named.includes(operation) || (operation.group !== undefined && groups.has(operation.group)),
  );
}
