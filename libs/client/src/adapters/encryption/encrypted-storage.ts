import type {
  Change,
  CommitOptions,
  Expected,
  Key,
  KeyRange,
  Log,
  Row,
  Storage,
  StoreName,
} from "../../ports/index.ts";
import { SynclineClientError } from "../../public/errors.ts";
import { STORE_NAMES } from "../store-names.ts";
import {
  askForKeys,
  dropFormerKeys,
  isOutdated,
  isRingRow,
  type KeyRing,
  type KeySource,
  locked,
  openKeyRing,
} from "./key-ring.ts";
import { pagesOf } from "./pages-of.ts";
import { isSealed, keyIdOf, type Place, seal, unseal } from "./seal.ts";

export interface EncryptionOptions extends KeySource {
  /** Receives a warning if encrypting the values anew had to stop. It starts again with the next `open()`. */
  readonly log?: Log;
}

/**
 * Added to the layout of an encrypted database, so that code without encryption refuses it: it could not read the values,
 * and would write others in the clear.
 */
const ENCRYPTED_LAYOUT = 2 ** 20;

/** Rows that are encrypted anew in one commit. */
const ROWS_A_COMMIT = 100;

/**
 * Encrypts the values of another storage with AES-GCM. Keys of rows stay readable: they are needed for ranges. With a
 * wrong key, `open` rejects with `storageLocked`, and leaves the database as it is.
 */
export function encryptedStorage(storage: Storage, options: EncryptionOptions): Storage {
  return new EncryptedStorage(storage, options);
}

class EncryptedStorage implements Storage {
  readonly #storage: Storage;
  readonly #options: EncryptionOptions;
  #isOpen = false;
  /** `undefined` while there is none, or if the last attempt to read it failed. */
  #ring: Promise<KeyRing> | undefined;
  /** The work in the background. */
  #renewal: Promise<void> = Promise.resolve();

  constructor(storage: Storage, options: EncryptionOptions) {
    this.#storage = storage;
    this.#options = options;
  }

  async open(name: string, layout: number): Promise<void> {
    await this.close();
    const keys = await askForKeys(this.#options);
    await this.#storage.open(name, ENCRYPTED_LAYOUT + layout);
    try {
      await this.#setRing(openKeyRing(this.#storage, keys));
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#isOpen = true;
    this.#renewal = this.#renewValues().catch((error: unknown) => {
      if (!this.#isOpen) return;
      this.#options.log?.("warn", "encrypting the values anew has stopped", { error: String(error) });
    });
  }

  async get(store: StoreName, keys: readonly Key[]): Promise<(Row | undefined)[]> {
    const rows = await this.#read(store, () => this.#storage.get(store, keys));
    return rows.map((row) => (row !== undefined && isRingRow(store, row.key) ? undefined : row));
  }

  async range(
    store: StoreName,
    range: KeyRange,
    { limit = Infinity, reverse = false }: { limit?: number; reverse?: boolean } = {},
  ): Promise<Row[]> {
    if (limit === 0) return [];
    // One more, since the ring's own row is left out.
    const options = limit === Infinity ? { reverse } : { limit: limit + 1, reverse };
    const rows = await this.#read(store, () => this.#storage.range(store, range, options));
    return rows.filter((row) => row !== undefined && !isRingRow(store, row.key)).slice(0, limit) as Row[];
  }

  async commit(
    changes: readonly Change[],
    expect: readonly Expected[],
    options?: CommitOptions,
  ): Promise<"committed" | "changed"> {
    for (;;) {
      const ring = await this.#openRing();
      const sealed = await Promise.all(changes.map((change) => sealChange(change, ring)));
      const answer = await this.#storage.commit(sealed, [...expect, ring.expected], options);
      if (answer === "committed") return answer;
      // Either a row of the caller has changed, or another tab has changed the keys.
      const newest = await this.#reloadRing();
      if (newest.expected.revision === ring.expected.revision) return answer;
    }
  }

  estimate(): Promise<{ usage?: number; quota?: number }> {
    return this.#storage.estimate();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#storage.close();
    await this.#renewal;
    this.#ring = undefined;
  }

  async destroy(): Promise<void> {
    await this.close();
    await this.#storage.destroy();
  }

  async #openRing(): Promise<KeyRing> {
    if (!this.#isOpen)
      throw new SynclineClientError("storageClosed", "The storage is closed: call open() first");
    return this.#ring ?? this.#reloadRing();
  }

  #reloadRing(): Promise<KeyRing> {
    return this.#setRing(askForKeys(this.#options).then((keys) => openKeyRing(this.#storage, keys)));
  }

  #setRing(ring: Promise<KeyRing>): Promise<KeyRing> {
    this.#ring = ring;
    ring.catch(() => {
      if (this.#ring === ring) this.#ring = undefined; // The next call tries again.
    });
    return ring;
  }

  /** Reads and decrypts rows; once more if another tab has added the key of one. */
  async #read(store: StoreName, read: () => Promise<(Row | undefined)[]>): Promise<(Row | undefined)[]> {
    let ring = await this.#openRing();
    let rows = await read();
    if (rows.some((row) => isUnknown(row, ring))) {
      ring = await this.#reloadRing();
      rows = await read();
    }
    return Promise.all(rows.map(async (row) => row && (await openRow(row, store, ring))));
  }

  /** Seals all values with the current key, then drops the other keys. */
  async #renewValues(): Promise<void> {
    const ring = await this.#openRing();
    if (!isOutdated(ring)) return;
    for (const store of STORE_NAMES)
      for await (const page of pagesOf(this.#storage, store, ROWS_A_COMMIT))
        if (!(await this.#renewPage(store, page, ring))) return this.#renewValues();
    if (await dropFormerKeys(this.#storage, ring)) await this.#reloadRing();
    else await this.#renewValues();
  }

  /** Returns false if another tab has changed the ring, so that the work must start again. */
  async #renewPage(store: StoreName, page: readonly Row[], ring: KeyRing): Promise<boolean> {
    let rows: readonly (Row | undefined)[] = page;
    for (;;) {
      const outdated = rows.filter((row): row is Row => row !== undefined && isToRenew(row, store, ring));
      if (outdated.length === 0) return true;
      const changes = await Promise.all(
        outdated.map(async (row): Promise<Change> => {
          const { value } = await openRow(row, store, ring);
          return sealChange({ kind: "put", store, key: row.key, value }, ring);
        }),
      );
      const expect = outdated.map(({ key, revision }) => ({ store, key, revision }));
      const answer = await this.#storage.commit(changes, [...expect, ring.expected], {
        durability: "relaxed",
      });
      if (answer === "committed") return true;
      const newest = await this.#reloadRing();
      if (newest.expected.revision !== ring.expected.revision) return false;
      rows = await this.#storage.get(
        store,
        outdated.map(({ key }) => key),
      );
    }
  }
}

/** True for values that the current key must seal. Rows without a value, and the ring itself, stay as they are. */
function isToRenew({ key, value }: Row, store: StoreName, ring: KeyRing): boolean {
  if (value === undefined || isRingRow(store, key)) return false;
  return !isSealed(value) || keyIdOf(value) !== ring.current.id;
}

const isUnknown = (row: Row | undefined, ring: KeyRing) =>
  isSealed(row?.value) && !ring.keyById.has(keyIdOf(row.value));

async function sealChange(change: Change, ring: KeyRing): Promise<Change> {
  if (change.kind === "delete" || change.value === undefined) return change;
  return { ...change, value: await seal(change.value, change, ring.current) };
}

async function openRow(row: Row, store: StoreName, ring: KeyRing): Promise<Row> {
  if (row.value === undefined || isRingRow(store, row.key)) return row;
  const place: Place = { store, key: row.key };
  if (!isSealed(row.value)) {
    if (ring.plain) return row;
    throw locked(`The value of ${nameOf(place)} is not encrypted: it was written by other code`);
  }
  const key = ring.keyById.get(keyIdOf(row.value));
  if (key === undefined) throw locked(`The key of ${nameOf(place)} is not known`);
  try {
    return { ...row, value: await unseal(row.value, place, key) };
  } catch (error) {
    throw locked(`The value of ${nameOf(place)} does not open with its key: it was changed`, error);
  }
}

const nameOf = ({ store, key }: Place) => `${store} ${JSON.stringify(key)}`;
