import { KEYS, type DocumentRow } from "../core/rows.ts";
import type { SyncClient } from "../engine/sync-client.ts";
import type { PlannedWrite } from "../engine/writer.ts";
import type { Collection } from "../public/client.ts";
import type { Snapshot, Store, WriteOptions, Written } from "../public/documents.ts";
import { createLiveQuery } from "./live-query.ts";
import { planCreate, planDelete, planPut, planUpdate, type WriteContext } from "./plan-write.ts";
import { snapshotOf } from "./snapshots.ts";
import { DerivedStore } from "./derived-store.ts";

export interface CollectionParts {
  readonly client: SyncClient;
  readonly workspace: string;
  readonly name: string;
  readonly context: (options: WriteOptions) => WriteContext;
  readonly write: <R>(writes: readonly PlannedWrite[], value: R) => Promise<Written<R>>;
}

/** The app's view of one collection of a workspace. */
export function createCollection<T>({
  client,
  workspace,
  name,
  context,
  write,
}: CollectionParts): Collection<T> {
  const read = async (id: string): Promise<Snapshot<T> | undefined> => {
    await client.opened(workspace);
    const [row] = await client.database.storage.get("documents", [KEYS.document(workspace, name, id)]);
    return snapshotOf<T>(row?.value as DocumentRow | undefined);
  };
  return {
    get: read,
    query: (query = {}) => createLiveQuery<T>(client, workspace, name, query),
    create: async (document, options = {}) => {
      const planned = planCreate(context(options), document);
      return await write([planned], planned.documentId);
    },
    put: async (id, document, options = {}) =>
      await write([planPut(context(options), id, document as object)], undefined),
    update: async (id, change, options = {}) =>
      await write([planUpdate(context(options), id, change as object)], undefined),
    delete: async (id, options = {}) => await write([planDelete(context(options), id)], undefined),
    watch: (id) => watch(client, [workspace, name, id], () => read(id)),
  };
}

/** Follows one document while it has subscribers. */
function watch<T>(
  client: SyncClient,
  [workspace, name, id]: readonly [string, string, string],
  read: () => Promise<Snapshot<T> | undefined>,
): Store<Snapshot<T> | undefined> {
  let shown: Snapshot<T> | undefined;
  const store = new DerivedStore(() => shown);
  const show = (snapshot: Snapshot<T> | undefined) => {
    shown = snapshot;
    store.invalidate();
  };
  let subscribers = 0;
  let end = () => {};
  const begin = () => {
    let isKnown = false;
    end = client.database.subscribe(({ changes }) => {
      for (const change of changes) {
        const [inWorkspace, inCollection, ofId] = change.key;
        if (change.store !== "documents" || inWorkspace !== workspace || inCollection !== name || ofId !== id)
          continue;
        isKnown = true;
        show(snapshotOf<T>(change.kind === "put" ? (change.value as DocumentRow) : undefined));
      }
    });
    void (async () => {
      const snapshot = await read();
      // A commit during the read is newer.
      if (!isKnown) show(snapshot);
    })().catch(() => {});
  };
  return {
    get: () => store.get(),
    subscribe(listener) {
      const unsubscribe = store.subscribe(listener);
      subscribers += 1;
      if (subscribers === 1) begin();
      let isEnded = false;
      return () => {
        if (isEnded) return;
        isEnded = true;
        unsubscribe();
        subscribers -= 1;
        if (subscribers === 0) end();
      };
    },
  };
}
