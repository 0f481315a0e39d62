import type { Expected, Key, Storage } from "../../ports/index.ts";
import { SynclineClientError } from "../../public/errors.ts";
import { STORE_NAMES } from "../store-names.ts";
import { type NamedKey, seal, unseal } from "./seal.ts";

/** The row of `meta` that names the keys of the database. It holds no key. */
const RING_KEY: Key = ["encryption"];
const PLACE = { store: "meta", key: RING_KEY } as const;

export interface KeySource {
  /** The key that values are encrypted with: AES-GCM, with the usages `encrypt` and `decrypt`. */
  readonly key: () => Promise<CryptoKey>;
  /** Earlier keys. Their values are encrypted anew in the background; pass them until that has finished. */
  readonly formerKeys?: () => Promise<readonly CryptoKey[]>;
}

interface RingRow {
  /** `check` is a text that only this key opens. */
  readonly keys: readonly { readonly id: number; readonly check: readonly number[] }[];
  /** Values that were written before the database was encrypted may be left. */
  readonly plain: boolean;
}

/** The keys of a database, as one state of its row names them. */
export interface KeyRing {
  readonly current: NamedKey;
  readonly keyById: ReadonlyMap<number, CryptoKey>;
  readonly plain: boolean;
  /** Commits expect the row unchanged: else a value could be sealed by a key that is being removed. */
  readonly expected: Expected & { readonly revision: number };
}

/** True if values may be left that the current key has not sealed. */
export const isOutdated = (ring: KeyRing): boolean => ring.plain || ring.keyById.size > 1;

/** Reads the ring of a database, and adds the current key if the ring has only former ones, or none. */
export async function openKeyRing(storage: Storage, { key, formerKeys }: Keys): Promise<KeyRing> {
  for (;;) {
    const [row] = await storage.get("meta", [RING_KEY]);
    const found = row?.value as RingRow | undefined;
    const keyById = await matchKeys(found?.keys ?? [], [key, ...formerKeys]);
    const current = [...keyById].find(([, candidate]) => candidate === key);
    if (row !== undefined && found !== undefined && current !== undefined)
      return {
        current: { id: current[0], key },
        keyById,
        plain: found.plain,
        expected: { ...PLACE, revision: row.revision },
      };
    const added: NamedKey = { id: Math.max(0, ...keyById.keys()) + 1, key };
    const ring: RingRow = {
      keys: [...(found?.keys ?? []), { id: added.id, check: [...(await seal("check", PLACE, added))] }],
      plain: found?.plain ?? (await hasRows(storage)),
    };
    // If another tab did the same in the meantime, its ring counts.
    await storage.commit(
      [{ kind: "put", ...PLACE, value: ring }],
      [{ ...PLACE, revision: row?.revision ?? null }],
    );
  }
}

/** Removes all keys but the current one. Returns false if another tab has changed the ring. */
export async function dropFormerKeys(storage: Storage, ring: KeyRing): Promise<boolean> {
  const [row] = await storage.get("meta", [RING_KEY]);
  const keys = (row?.value as RingRow | undefined)?.keys.filter(({ id }) => id === ring.current.id);
  const value: RingRow = { keys: keys ?? [], plain: false };
  return (await storage.commit([{ kind: "put", ...PLACE, value }], [ring.expected])) === "committed";
}

export const isRingRow = (store: string, key: Key) =>
  store === PLACE.store && key.length === 1 && key[0] === RING_KEY[0];

export function locked(message: string, cause?: unknown): SynclineClientError {
  return new SynclineClientError("storageLocked", message, { cause });
}

export interface Keys {
  readonly key: CryptoKey;
  readonly formerKeys: readonly CryptoKey[];
}

export async function askForKeys(source: KeySource): Promise<Keys> {
  try {
    return { key: await source.key(), formerKeys: (await source.formerKeys?.()) ?? [] };
  } catch (error) {
    throw locked("The app could not provide the key of the database", error);
  }
}

/** Finds the key of each id. All are needed: without one of them, some values could not be read. */
async function matchKeys(
  named: RingRow["keys"],
  keys: readonly CryptoKey[],
): Promise<Map<number, CryptoKey>> {
  const keyById = new Map<number, CryptoKey>();
  for (const { id, check } of named) {
    for (const key of keys) {
      const opens = await unseal(Uint8Array.from(check), PLACE, key).then(
        () => true,
        () => false, // Another key
      );
      if (opens) keyById.set(id, key);
    }
    if (!keyById.has(id))
      throw locked(
        `No key of the app opens key ${id} of the database. Its data is kept: provide that key, as the key or a former one`,
      );
  }
  return keyById;
}

async function hasRows(storage: Storage): Promise<boolean> {
  for (const store of STORE_NAMES)
    if ((await storage.range(store, { prefix: [] }, { limit: 1 })).length > 0) return true;
  return false;
}
