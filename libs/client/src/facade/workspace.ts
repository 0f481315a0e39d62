import type { JsonObject } from "@syncline/shared/document";
import { applyToView } from "../core/view.ts";
import type { RebaseSettings } from "../core/view.ts";
import { isUndecided, type Operation, type OutcomeRow } from "../core/rows.ts";
import { AppCommits } from "../engine/app-commits.ts";
import { errorOf } from "../engine/error-of.ts";
import type { SyncClient } from "../engine/sync-client.ts";
import type { PlannedWrite } from "../engine/writer.ts";
import type { Tx, Workspace } from "../public/client.ts";
import type { WriteOptions, Written } from "../public/documents.ts";
import { SynclineClientError } from "../public/errors.ts";
import type { CollectionOptions, Schema, SyncSettings } from "../public/options.ts";
import type {
  BatchInfo,
  ConflictDetails,
  Decision,
  Effect,
  Outcome,
  OutcomeOperation,
  ParkedConflict,
  PendingOperation,
} from "../public/outcomes.ts";
import type { WorkspaceStatus } from "../public/status.ts";
import { checkId } from "../core/check-write.ts";
import { createCollection } from "./collection.ts";
import { planCreate, planDelete, planPut, planUpdate, type WriteContext } from "./plan-write.ts";
import { DerivedStore, hasSameItems, isSameJson } from "./derived-store.ts";
import { statusOf } from "./workspace-status.ts";

export interface WorkspaceParts {
  readonly client: SyncClient;
  readonly id: string;
  readonly collections: Schema;
  readonly settings: SyncSettings;
  readonly rebase: RebaseSettings;
  readonly onStatus: () => void;
}

const BATCHES_MAX = 50;

/** The app's view of one workspace. */
export function createWorkspace<S extends Schema>(
  parts: WorkspaceParts,
): Workspace<S> & { status: DerivedStore<WorkspaceStatus> } {
  const { client, id: workspace, settings } = parts;
  checkId("The workspace's id", workspace);
  const engine = client.engine(workspace);
  const commits = new AppCommits(client, engine, parts.rebase);
  const stores = createStores(parts);

  const contextOf = (collection: string, options: WriteOptions, group?: string): WriteContext => {
    if (!Object.hasOwn(parts.collections, collection)) {
      const known = Object.keys(parts.collections).join(", ");
      throw new SynclineClientError(
        "validationFailed",
        `${collection} is none of the client's collections: ${known}`,
      );
    }
    const definition = parts.collections[collection] as CollectionOptions<unknown>;
    const makeId = () => client.device.makeId();
    return { collection, definition, settings, makeId, options, ...(group === undefined ? {} : { group }) };
  };

  const write = async <R>(
    writes: readonly PlannedWrite[],
    value: R,
    retried?: OutcomeRow,
  ): Promise<Written<R>> => {
    await client.opened(workspace);
    const planned = writes.map(({ id }) => id);
    const settled =
      planned.length === 0 ? Promise.resolve(nothing(workspace)) : client.settlements.wait(planned);
    try {
      const ids = await client.writer.write(workspace, writes, retried);
      const unchanged = planned.filter((id) => !ids.includes(id));
      client.settlements.tell(unchanged, nothing(workspace));
      client.statistics.made += ids.length;
      if (ids.length > 0) {
        client.emit("written", { workspace, ids });
        engine.noteWrite(
          ids.length,
          writes.some(({ priority }) => priority === "immediate" || priority === "high"),
        );
      }
      return { ids, value, settled };
    } catch (error) {
      client.settlements.forget(planned);
      throw error;
    }
  };

  return {
    ...stores,
    collection: (name) =>
      createCollection({ client, workspace, name, write, context: (options) => contextOf(name, options) }),
    async transaction<R>(work: (tx: Tx<S>) => R, options: WriteOptions = {}): Promise<Written<R>> {
      const writes: PlannedWrite[] = [];
      const group = client.device.makeId();
      const value = work(
        txOf<S>(Object.keys(parts.collections), writes, (name) => contextOf(name, options, group)),
      );
      if (typeof value === "object" && value !== null && "then" in value) {
        const message = "The work of a transaction is asynchronous: what it writes later would be lost";
        throw new SynclineClientError("validationFailed", message);
      }
      return await write(writes, value);
    },
    cancel: async (operationId) => {
      await client.opened(workspace);
      return await commits.cancel(operationId);
    },
    acknowledge: async (outcomeId) => {
      await client.opened(workspace);
      await commits.acknowledge(outcomeId);
    },
    retry: async (outcomeId, edit = (effect) => effect) => {
      await client.opened(workspace);
      const outcome = outcomeOf(engine.mirror.outcomes.values(), outcomeId);
      const group = outcome.operations.length > 1 ? client.device.makeId() : undefined;
      const writes = outcome.operations.map((operation) => retried(operation, edit, contextOf, group));
      return await write(writes, undefined, outcome);
    },
    conflict: async (conflictId) => await readConflict(client, workspace, conflictId),
    resolve: async (conflictId, decision) => {
      await client.opened(workspace);
      return await decide(client, commits, conflictId, decision);
    },
  };
}

/** The stores follow the engine's mirror. */
function createStores({ client, id: workspace, onStatus }: WorkspaceParts) {
  const engine = client.engine(workspace);
  const operations = () => engine.mirror.outbox.values();
  const status = new DerivedStore(() => statusOf(engine), isSameJson);
  const pending = new DerivedStore(() => pendingOf(operations()), hasSameItems);
  const outcomes = new DerivedStore<readonly Outcome[]>(
    () => [...engine.mirror.outcomes.values()].toReversed(),
    hasSameItems,
  );
  const conflicts = new DerivedStore(() => conflictsOf(operations()), isSameJson);
  let sent: readonly BatchInfo[] = [];
  const batches = new DerivedStore(() => sent);
  engine.onChange = () => {
    for (const store of [status, pending, outcomes, conflicts]) store.invalidate();
    onStatus();
  };
  client.on("sent", ({ workspace: of, batch, operations, status: ended, requestId }) => {
    if (of !== workspace) return;
    const info = {
      id: batch,
      operations,
      status: ended,
      atMs: client.clock.nowMs(),
      ...(requestId === undefined ? {} : { requestId }),
    };
    sent = [info, ...sent.filter(({ id }) => id !== batch)].slice(0, BATCHES_MAX);
    batches.invalidate();
  });
  void client.opened(workspace).then(engine.onChange, () => {});
  return { status, pending, outcomes, conflicts, batches };
}

type Operations = Iterable<Operation>;

/** An operation that has not changed is shown by the same objects. */
const shownByOperation = new WeakMap<Operation, readonly PendingOperation[]>();

function pendingOf(operations: Operations): readonly PendingOperation[] {
  return [...operations].flatMap((operation) => {
    const shown = shownByOperation.get(operation) ?? showPending(operation);
    shownByOperation.set(operation, shown);
    return shown;
  });
}

function showPending(operation: Operation): readonly PendingOperation[] {
  return operation.ids.map((id) => ({
    id,
    collection: operation.collection,
    documentId: operation.documentId,
    effect: operation.effect,
    state: operation.state,
    priority: operation.priority,
    attempts: operation.attempts,
    createdAtMs: operation.createdAtMs,
    ...(operation.group === undefined ? {} : { group: operation.group }),
    ...(operation.conflictId === undefined ? {} : { conflictId: operation.conflictId }),
    ...(operation.note === undefined ? {} : { note: operation.note }),
  }));
}

function conflictsOf(operations: Operations): readonly ParkedConflict[] {
  const byId = new Map<string, ParkedConflict>();
  for (const operation of operations) {
    const { conflictId, collection, documentId } = operation;
    if (!isUndecided(operation) || conflictId === undefined) continue;
    byId.set(conflictId, { conflictId, collection, documentId });
  }
  return [...byId.values()];
}

/** The end of a write that changes nothing. */
function nothing(workspace: string): Outcome {
  return { id: "", workspace, code: "applied", operations: [], failing: 0, atMs: 0, acknowledged: true };
}

function txOf<S extends Schema>(
  names: readonly string[],
  writes: PlannedWrite[],
  context: (name: string) => WriteContext,
): Tx<S> {
  const entries = names.map((name) => {
    const of = context(name);
    const collection = {
      create(document: object) {
        const planned = planCreate(of, document);
        writes.push(planned);
        return planned.documentId;
      },
      put: (id: string, document: object) => void writes.push(planPut(of, id, document)),
      update: (id: string, change: object) => void writes.push(planUpdate(of, id, change)),
      delete: (id: string) => void writes.push(planDelete(of, id)),
    };
    return [name, collection] as const;
  });
  return Object.fromEntries(entries) as unknown as Tx<S>;
}

function outcomeOf(outcomes: Iterable<OutcomeRow>, id: string): OutcomeRow {
  const outcome = [...outcomes].find((row) => row.id === id);
  if (outcome === undefined) throw new SynclineClientError("notFound", `There is no outcome ${id}`);
  return outcome;
}

/** Writes an operation anew, on the document as it is now. */
function retried(
  { collection, documentId, effect: ended, anchor, note }: OutcomeOperation,
  edit: (effect: Effect) => Effect,
  contextOf: (collection: string, options: WriteOptions, group?: string) => WriteContext,
  group: string | undefined,
): PlannedWrite {
  const effect = edit(ended);
  const options = note === undefined ? {} : { note };
  const planned = planDelete(contextOf(collection, options, group), documentId);
  const plan = (shown: JsonObject | null): Effect | null => {
    if (effect.kind === "create" && shown !== null) return { kind: "put", data: effect.data };
    if (effect.kind === "delete" && shown === null) return null;
    if (effect.kind !== "update" || shown !== null) return effect;
    // The document is gone: the edit brings back the one that it was made on.
    const data = applyToView(anchor ?? {}, effect, documentId);
    return data === null ? null : { kind: "put", data };
  };
  return { ...planned, plan };
}

async function readConflict(
  client: SyncClient,
  workspace: string,
  conflictId: string,
): Promise<ConflictDetails> {
  await client.opened(workspace);
  const record = await client.requests.call((transport, context) =>
    transport.conflict({ workspace, conflictId }, context),
  );
  if (record.kind !== "ok") throw failed(record);
  const preview = await client.requests.call((transport, context) =>
    transport.preview({ workspace, conflictId }, context),
  );
  if (preview.kind !== "ok") throw failed(preview);
  const {
    collection,
    document_id: documentId,
    status,
    version,
    ancestor,
    remote,
    local,
    overlaps,
  } = record.body;
  return {
    conflictId,
    collection,
    documentId,
    status,
    version,
    ancestor,
    remote,
    local,
    overlaps: overlaps ?? [],
    preview: preview.body,
  };
}

function failed(failure: Parameters<typeof errorOf>[0]): SynclineClientError {
  const { code, message } = errorOf(failure);
  return new SynclineClientError(failure.kind === "notFound" ? "notFound" : code, message);
}

async function decide(
  client: SyncClient,
  commits: AppCommits,
  conflictId: string,
  decision: Decision,
): Promise<Written> {
  const id = client.device.makeId();
  const settled = client.settlements.wait([id]);
  await commits.decide({
    id,
    conflictId,
    clientId: client.device.makeId(client.requests.clockSkewMs),
    choice: decision.choice,
    ...(decision.choice === "data" ? { data: decision.data } : {}),
    ...(decision.version === undefined ? {} : { version: decision.version }),
    createdAtMs: client.clock.nowMs(),
  });
  return { ids: [id], value: undefined, settled };
}
