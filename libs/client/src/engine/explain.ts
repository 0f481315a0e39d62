import { isUndecided, nameOf, type Operation, type OutcomeRow } from "../core/rows.ts";
import type { OperationStory } from "../public/status.ts";
import type { SyncClient } from "./sync-client.ts";
import type { WorkspaceEngine } from "./workspace-engine.ts";

/** Tells the way of an operation, the reason why it waits, and the server's view of it if it can be asked. */
export async function explain(client: SyncClient, id: string): Promise<OperationStory> {
  await client.ready;
  for (const engine of client.engines.values()) {
    const { mirror } = engine;
    const operation = [...mirror.outbox.values()].find(({ ids }) => ids.includes(id));
    if (operation !== undefined) return await explainWaiting(client, engine, operation, id);
    const outcome = [...mirror.outcomes.values()].find((row) =>
      row.operations.some(({ operationIds }) => operationIds.includes(id)),
    );
    if (outcome !== undefined) return explainEnded(outcome, id);
  }
  return {
    id,
    state: "unknown",
    steps: [],
    waitsFor: "No workspace of this client has it: it is part of the documents",
  };
}

function explainEnded({ steps, code, reason }: OutcomeRow, id: string): OperationStory {
  return { id, state: "ended", steps, waitsFor: `${code}${reason === undefined ? "" : `: ${reason}`}` };
}

async function explainWaiting(
  client: SyncClient,
  engine: WorkspaceEngine,
  operation: Operation,
  id: string,
): Promise<OperationStory> {
  const { state, wire, createdAtMs, attempts, lastRequestId, ids } = operation;
  const steps = [
    { atMs: createdAtMs, step: "written" },
    ...(ids.length > 1 ? [{ atMs: operation.editedAtMs, step: `folded with ${ids.length - 1} others` }] : []),
    ...(wire === undefined ? [] : [{ atMs: wire.frozenAtMs, step: `frozen; ${attempts} requests so far` }]),
    ...(lastRequestId === undefined
      ? []
      : [{ atMs: client.clock.nowMs(), step: "answered", requestId: lastRequestId }]),
  ];
  const story: OperationStory = { id, state, steps, waitsFor: reasonOf(engine, operation) };
  if (wire === undefined) return story;
  const request = { workspace: engine.workspace, clientId: wire.clientId, deviceId: wire.deviceId };
  const answer = await client.requests.call((transport, context) => transport.operation(request, context));
  return answer.kind === "ok" ? { ...story, server: answer.body } : story;
}

function reasonOf(engine: WorkspaceEngine, operation: Operation): string {
  const { state, batchId, seq, conflictId } = operation;
  const { mirror } = engine;
  if (state === "acked")
    return `The feed has not brought seq ${seq}; it was read up to ${mirror.row.checkpoint}`;
  if (isUndecided(operation)) return `A person has to decide the conflict ${conflictId}`;
  if (batchId !== undefined) return `The server is still working on the batch ${batchId}`;
  if (engine.state !== "idle" && engine.state !== "syncing") {
    return `The engine is ${engine.state}${engine.error === undefined ? "" : `: ${engine.error.message}`}`;
  }
  const before = [...mirror.outbox.values()].find(
    (other) => other.n < operation.n && other.state === "sent" && nameOf(other) === nameOf(operation),
  );
  if (before !== undefined) return `Operation ${before.ids[0]} of the same document has no answer yet`;
  return state === "sent" ? "It is sent again with the next batch" : "It is sent with the next batch";
}
