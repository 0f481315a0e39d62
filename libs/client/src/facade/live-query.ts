import type { DocumentRow } from "../core/rows.ts";
import { runQuery } from "../core/run-query.ts";
import type { SyncClient } from "../engine/sync-client.ts";
import type { Snapshot, Unsubscribe } from "../public/documents.ts";
import type { LiveQuery, Query } from "../public/query.ts";
import { snapshotOf } from "./snapshots.ts";
import { callListener } from "./derived-store.ts";

/** A query of one collection. Reads all its documents, and again when one of them has changed. */
export function createLiveQuery<T>(
  client: SyncClient,
  workspace: string,
  collection: string,
  query: Query<T>,
): LiveQuery<T> {
  /** A document that has not changed is the same object in each result. */
  let known = new Map<string, { readonly revision: number; readonly snapshot: Snapshot<T> }>();
  const read = async (): Promise<Snapshot<T>[]> => {
    await client.opened(workspace);
    const rows = await client.database.storage.range("documents", { prefix: [workspace, collection] });
    const next: typeof known = new Map();
    const snapshots = rows.flatMap(({ value, revision }) => {
      const row = value as DocumentRow;
      const before = known.get(row.id);
      const snapshot = before?.revision === revision ? before.snapshot : snapshotOf<T>(row);
      if (snapshot === undefined) return [];
      next.set(row.id, { revision, snapshot });
      return snapshot;
    });
    known = next;
    return runQuery(snapshots, query);
  };
  return {
    get: read,
    count: async () => (await read()).length,
    subscribe: (listener) => subscribe(client, [workspace, collection], read, listener),
  };
}

function subscribe<T>(
  client: SyncClient,
  [workspace, collection]: readonly [string, string],
  read: () => Promise<Snapshot<T>[]>,
  listener: (result: readonly Snapshot<T>[]) => void,
): Unsubscribe {
  const state = { isEnded: false, isStale: true, isReading: false };
  let last: readonly Snapshot<T>[] | undefined;
  // One read at a time; what changes meanwhile is found by the next one.
  const refresh = async () => {
    if (state.isReading) return;
    state.isReading = true;
    try {
      while (state.isStale && !state.isEnded) {
        state.isStale = false;
        const result = await read();
        const isSame = last?.length === result.length && result.every((item, at) => item === last?.[at]);
        last = isSame ? last : result;
        if (!isSame && !state.isEnded)
          callListener(() => {
            listener(result);
          });
      }
    } finally {
      state.isReading = false;
    }
  };
  const onCommit = client.database.subscribe(({ changes }) => {
    const isTouched = changes.some(
      ({ store, key }) => store === "documents" && key[0] === workspace && key[1] === collection,
    );
    if (!isTouched) return;
    state.isStale = true;
    refresh().catch(() => {});
  });
  refresh().catch(() => {});
  return () => {
    state.isEnded = true;
    onCommit();
  };
}
