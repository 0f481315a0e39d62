import { gzipText } from "../adapters/gzip-text.ts";
import { createHttpTransport } from "../adapters/http-transport.ts";
import { consoleLog, systemClock, systemConnectivity, systemRandom } from "../adapters/system.ts";
import type { RebaseSettings } from "../core/view.ts";
import { explain } from "../engine/explain.ts";
import { SyncClient } from "../engine/sync-client.ts";
import type { Client, Workspace } from "../public/client.ts";
import type { ClientOptions, CollectionDefinition, CollectionOptions, Schema } from "../public/options.ts";
import type { ClientSnapshot, ClientStatus, SyncSummary, WorkspaceStatus } from "../public/status.ts";
import { PRESETS } from "./presets.ts";
import { DerivedStore, isSameJson } from "./derived-store.ts";
import { createWorkspace } from "./workspace.ts";

/** Declares a collection and the type of its documents. */
export function collection<T>(definition: CollectionOptions<T> = {}): CollectionDefinition<T> {
  return definition;
}

/** Engine states, from the one that needs attention most. */
const WORST = ["signedOut", "failed", "offline", "paused", "syncing", "idle"] as const;

/**
 * Creates the client of one account on this device. It opens its storage in the background: reads and writes wait for
 * it.
 */
export function createClient<S extends Schema>(options: ClientOptions<S>): Client<S> {
  const settings = { ...PRESETS[options.preset ?? "interactive"], ...options.sync };
  const { collections, account, url, storage, token } = options;
  const transport =
    options.transport ?? createHttpTransport({ url, ...(gzipText && { compress: gzipText }) });
  const rebase: RebaseSettings = {
    rebase: options.rebase,
    deleteWins: (name) =>
      Object.hasOwn(collections, name) && collections[name]?.deleteVsEdit === "delete-wins",
  };
  const client = new SyncClient({
    account,
    databaseName: `syncline:${url}:${account ?? ""}`,
    token,
    storage,
    transport,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    connectivity: options.connectivity ?? systemConnectivity,
    log: options.log ?? consoleLog,
    settings,
    rebase,
  });
  const workspaces = new Map<string, ReturnType<typeof createWorkspace<S>>>();
  const status = new DerivedStore(
    () => sumUp([...workspaces.values()].map((workspace) => workspace.status.get())),
    isSameJson,
  );
  const all = <R>(
    work: (engine: SyncClient["engines"] extends Map<string, infer E> ? E : never) => Promise<R>,
  ) => Promise.all([...client.engines.keys()].map(async (id) => await work(await client.opened(id))));
  const inspect = async (): Promise<ClientSnapshot> => {
    await client.ready;
    const entries = [...workspaces].map(([id, workspace]) => {
      const { epoch, checkpoint } = client.engine(id).mirror.row;
      const position = {
        ...(epoch === null ? {} : { epoch }),
        ...(checkpoint === null ? {} : { checkpoint }),
      };
      return [id, { ...workspace.status.get(), ...position }] as const;
    });
    return {
      account,
      deviceId: client.device.id,
      workspaces: Object.fromEntries(entries),
      statistics: client.statistics.read(),
    };
  };
  client.onStalled = (workspace) => {
    void (async () => {
      client.emit("stalled", { workspace, snapshot: await inspect() });
    })();
  };
  return {
    ready: client.ready,
    status,
    statistics: () => client.statistics.read(),
    workspace(id): Workspace<S> {
      const known = workspaces.get(id);
      if (known !== undefined) return known;
      const workspace = createWorkspace<S>({
        client,
        id,
        collections,
        settings,
        rebase,
        onStatus: () => status.invalidate(),
      });
      workspaces.set(id, workspace);
      return workspace;
    },
    async syncNow({ signal } = {}): Promise<SyncSummary> {
      const before = client.statistics.counts();
      client.statistics.manualSyncs += 1;
      await all(async (engine) => {
        await engine.syncNow(signal);
      });
      const { sent, applied, merged, refused, pulled } = client.statistics.counts();
      const { pending, error } = status.get();
      return {
        sent: sent - before.sent,
        applied: applied - before.applied,
        merged: merged - before.merged,
        refused: refused - before.refused,
        pulled: pulled - before.pulled,
        pending,
        ...(error === undefined ? {} : { error }),
      };
    },
    async pause() {
      await all(async (engine) => {
        await engine.pause();
      });
    },
    async resume() {
      await all(async (engine) => {
        await engine.resume();
      });
    },
    stop: () => client.stop(),
    explain: (operationId) => explain(client, operationId),
    inspect,
    on: (event, listener) =>
      event === "status"
        ? status.subscribe(() => {
            (listener as (status: ClientStatus) => void)(status.get());
          })
        : client.on(event, listener),
  };
}

function sumUp(statuses: readonly WorkspaceStatus[]): ClientStatus {
  const sum = (pick: (status: WorkspaceStatus) => number) =>
    statuses.reduce((total, status) => total + pick(status), 0);
  const error = statuses.find((status) => status.error !== undefined)?.error;
  return {
    engine: WORST.find((engine) => statuses.some((status) => status.engine === engine)) ?? "idle",
    pending: sum(({ pending }) => pending),
    parked: sum(({ parked }) => parked),
    outcomes: sum(({ outcomes }) => outcomes),
    ...(error === undefined ? {} : { error }),
  };
}
