import { bytesOf, type ChosenBatch } from "../core/choose-batch.ts";
import { freezeBatch, toWire } from "../core/freeze.ts";
import { settleResults, unitsOf, verdictOf, type Answered } from "../core/settle-results.ts";
import { askBatchMs, backOffMs } from "../core/retry.ts";
import { nameOf } from "../core/rows.ts";
import type { FeedPosition, PushAnswer, PushBatch, PushedResult } from "../ports/transport.ts";
import { DONE, type Attempt, type StepEnd } from "./engine-context.ts";
import { commitPage, positionOf, pullFeed } from "./pull.ts";
import { delay, reactToPush } from "./react-to-push.ts";

/** The server holds a batch that long for its results. No mobile connection is kept longer. */
const WAIT_SECONDS = 10;

/** Sends batches until nothing is left that may go. One batch is under way at a time. */
export async function pushAll(attempt: Attempt, mayGo: () => boolean): Promise<StepEnd> {
  const { parts, memory } = attempt;
  while (!attempt.isOver() && mayGo() && !isBlocked(attempt)) {
    const frozen = await attempt.commit(
      (draft) => {
        const makeId = () => parts.device.makeId(parts.requests.clockSkewMs);
        const chosen = freezeBatch(draft, parts.device.id, memory.limits, makeId);
        if (chosen === null) return null;
        const operations = chosen.operations.map((operation) =>
          toWire(
            operation,
            draft.documents.get(nameOf(operation)),
            draft.row.epoch,
            parts.requests.clockSkewMs,
          ),
        );
        const epoch = chosen.epoch ?? draft.row.epoch;
        const batch: PushBatch = {
          workspace_id: attempt.workspace,
          device_id: chosen.deviceId,
          ...(chosen.onConflict === undefined ? {} : { on_conflict: chosen.onConflict }),
          ...(epoch === null ? {} : { epoch }),
          operations,
        };
        return { chosen, batch };
      },
      { allOperations: true, durability: "strict" },
    );
    if (frozen === null) break;
    const end = await sendBatch(attempt, frozen.chosen, frozen.batch);
    if (end.kind === "failed") return end;
  }
  return DONE;
}

function isBlocked({ parts, memory }: Attempt): boolean {
  const { pushBlocked } = memory;
  if (pushBlocked === null) return false;
  const isOver =
    parts.clock.nowMs() >= pushBlocked.untilMs || parts.tokens.generation !== pushBlocked.tokenGeneration;
  if (isOver) memory.pushBlocked = null;
  return !isOver;
}

async function sendBatch(attempt: Attempt, chosen: ChosenBatch, batch: PushBatch): Promise<StepEnd> {
  const { parts, memory } = attempt;
  const { statistics } = parts;
  statistics.batches += 1;
  statistics.sent += batch.operations.length;
  statistics.retries += chosen.operations.filter(({ attempts }) => attempts > 1).length;
  statistics.bytesSent += chosen.operations.reduce((sum, operation) => sum + bytesOf(operation), 0);
  const position = feedPosition(attempt, batch);
  const request = { batch, waitSeconds: WAIT_SECONDS, ...(position === undefined ? {} : { feed: position }) };
  const answer = await parts.requests.call((transport, context) => transport.push(request, context));
  memory.progressAtMs = parts.clock.nowMs();
  if (attempt.isOver()) return DONE;
  if (answer.kind !== "ok") return await reactToPush(attempt, chosen, answer);
  tellSent(attempt, answer.body, answer.info.requestId);
  memory.serverFaults = 0;
  const { settings } = parts;
  memory.limits = {
    operationsMax: Math.min(settings.batchOperationsMax, memory.limits.operationsMax * 2),
    bytesMax: Math.min(settings.batchBytesMax, memory.limits.bytesMax * 2),
  };
  const end = await settleAnswer(attempt, answer.body, answer.info.requestId, position?.since);
  await delayUnsettled(attempt, chosen);
  return end;
}

/**
 * Has the answer bring the feed along. Not before the first snapshot, and not under another id of the device, whose
 * operations the page would not tell.
 */
function feedPosition({ parts, mirror: { row } }: Attempt, batch: PushBatch): FeedPosition | undefined {
  if (row.checkpoint === null || row.snapshot !== null || batch.device_id !== parts.device.id)
    return undefined;
  return positionOf(row, row.checkpoint);
}

/** An answer may leave an operation open without a batch to ask for: it is sent again, but not at once. */
async function delayUnsettled(attempt: Attempt, { operations }: ChosenBatch): Promise<void> {
  const { parts, mirror } = attempt;
  const unsettled = operations.flatMap(({ n }) => {
    const operation = mirror.outbox.get(n);
    return operation?.state === "sent" && operation.batchId === undefined ? [operation] : [];
  });
  if (unsettled.length === 0) return;
  const attempts = Math.max(...unsettled.map((operation) => operation.attempts));
  const waitMs = backOffMs(attempts, parts.settings, parts.random.fraction());
  await delay(attempt, new Set(unsettled.map(({ n }) => n)), parts.clock.nowMs() + waitMs);
}

function tellSent(
  { parts, workspace }: Attempt,
  { batch_id: batch, results, status }: PushAnswer,
  requestId?: string,
) {
  parts.emit("sent", { workspace, batch, operations: results.length, status, requestId });
}

/**
 * Settles an answer. Refusals come last: the feed is read before them, so that their documents show what stands when
 * the outcome is shown.
 */
async function settleAnswer(
  attempt: Attempt,
  body: PushAnswer,
  requestId?: string,
  since?: number,
): Promise<StepEnd> {
  const results = await nameConflictStates(attempt, body.results);
  const answered: Answered = {
    results,
    batchId: body.batch_id,
    ...(requestId === undefined ? {} : { requestId }),
  };
  const refused = refusedOf(attempt, results);
  const settle = async (some: readonly PushedResult[]) => {
    if (some.length === 0) return;
    await attempt.commit((draft) => {
      settleResults(draft, { ...answered, results: some });
    });
  };
  await settle(results.filter((result) => !refused.has(result.client_id)));
  noteAsk(attempt, body);
  const isRead =
    body.feed !== undefined &&
    since !== undefined &&
    (await commitPage(attempt, body.feed, since, requestId)) &&
    !body.feed.more;
  if (refused.size === 0) return DONE;
  const end = isRead ? DONE : await pullFeed(attempt);
  await settle(results.filter((result) => refused.has(result.client_id)));
  return end;
}

/** The `client_id`s of units that are refused. */
function refusedOf({ mirror }: Attempt, results: readonly PushedResult[]): Set<string> {
  const byClientId = new Map(results.map((result) => [result.client_id, result]));
  const operations = [...mirror.outbox.values()].filter(
    ({ state, wire }) => state === "sent" && wire !== undefined && byClientId.has(wire.clientId),
  );
  const refused = new Set<string>();
  for (const unit of unitsOf(operations)) {
    const ids = unit.map(({ wire }) => wire?.clientId ?? "");
    const isRefused = ids.some((id) => {
      const result = byClientId.get(id);
      const verdict = result === undefined ? "pending" : verdictOf(result);
      return verdict === "refused" || (verdict === "parked" && unit[0]?.group !== undefined);
    });
    if (isRefused) for (const id of ids) refused.add(id);
  }
  return refused;
}

/**
 * Completes results that stand behind a conflict with the state of that conflict, one request each. A result whose
 * conflict cannot be read is left out: its operation is sent again.
 */
async function nameConflictStates(
  attempt: Attempt,
  results: readonly PushedResult[],
): Promise<PushedResult[]> {
  const named: PushedResult[] = [];
  for (const result of results) {
    const { error_type: type, conflict_data: data } = result;
    const conflictId = data?.conflict_id;
    if (
      type !== "behind_conflict" ||
      data === undefined ||
      data.conflict_status !== undefined ||
      conflictId === undefined
    ) {
      named.push(result);
      continue;
    }
    const { workspace } = attempt;
    const answer = await attempt.parts.requests.call((transport, context) =>
      transport.conflict({ workspace, conflictId }, context),
    );
    if (answer.kind !== "ok") continue;
    named.push({ ...result, conflict_data: { ...data, conflict_status: answer.body.status } });
  }
  return named;
}

function noteAsk({ parts, memory }: Attempt, body: PushAnswer): void {
  const isPending = body.results.some(({ status }) => status === "pending");
  if (!isPending) {
    memory.asks.delete(body.batch_id);
    return;
  }
  const attempt = (memory.asks.get(body.batch_id)?.attempt ?? 0) + 1;
  memory.asks.set(body.batch_id, { attempt, atMs: parts.clock.nowMs() + askBatchMs(attempt) });
}

/** Asks for the batches that were answered before they were final. One that the server does not know is sent again. */
export async function askPending(attempt: Attempt): Promise<StepEnd> {
  const { parts, mirror, memory } = attempt;
  const pending = new Set([...mirror.outbox.values()].flatMap(({ batchId }) => batchId ?? []));
  for (const batchId of pending) {
    if (attempt.isOver()) return DONE;
    if ((memory.asks.get(batchId)?.atMs ?? 0) > parts.clock.nowMs()) continue;
    const answer = await parts.requests.call((transport, context) => transport.batch({ batchId }, context));
    memory.progressAtMs = parts.clock.nowMs();
    if (answer.kind === "ok") {
      tellSent(attempt, answer.body, answer.info.requestId);
      const end = await settleAnswer(attempt, answer.body, answer.info.requestId);
      if (end.kind === "failed") return end;
      continue;
    }
    if (answer.kind !== "notFound") return { kind: "failed", failure: answer };
    memory.asks.delete(batchId);
    await sendAgain(attempt, batchId);
  }
  return DONE;
}

async function sendAgain(attempt: Attempt, batchId: string): Promise<void> {
  await attempt.commit((draft) => {
    for (const operation of draft.outbox.values()) {
      if (operation.batchId !== batchId) continue;
      const { batchId: _, ...rest } = operation;
      draft.outbox.set(operation.n, rest);
    }
  });
}
