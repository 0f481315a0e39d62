import { KEYS, LAYOUT_VERSION, type DeviceRow } from "../core/rows.ts";
import { uuidV7 } from "../core/uuid.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { Database } from "./database.ts";

/** The identity of this installation, and its place as the one that speaks with the server. */
export class Device {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;
  #row: DeviceRow | undefined;
  /** Written to `meta` when this engine became the leader; each of its commits expects it there (R16). */
  readonly leaderToken: string;

  constructor(database: Database, clock: Clock, random: Random) {
    this.#database = database;
    this.#clock = clock;
    this.#random = random;
    this.leaderToken = this.makeId();
  }

  get id(): string {
    return this.#row?.deviceId ?? "";
  }

  makeId(skewMs = 0): string {
    return uuidV7(this.#clock.nowMs() + skewMs, this.#random.bytes(10));
  }

  /** Reads the device id, or makes one with the database. */
  async open(account: string | null): Promise<void> {
    this.#row = await this.#database.transact(async (transaction) => {
      const known = (await transaction.get("meta", KEYS.device)) as DeviceRow | undefined;
      const row = known ?? { deviceId: this.makeId(), account, layout: LAYOUT_VERSION };
      if (known === undefined) transaction.put("meta", KEYS.device, row);
      return row;
    });
  }

  async lead(): Promise<void> {
    await this.#database.transact(async (transaction) => {
      await transaction.get("meta", KEYS.leader);
      transaction.put("meta", KEYS.leader, this.leaderToken);
    });
  }

  /** Makes a new id, because the server gave the old one to another user. */
  async renew(): Promise<void> {
    const old = this.id;
    this.#row = await this.#database.transact(async (transaction) => {
      const known = (await transaction.get("meta", KEYS.device)) as DeviceRow;
      // Another workspace may have renewed it already.
      if (known.deviceId !== old) return known;
      const row = { ...known, deviceId: this.makeId() };
      transaction.put("meta", KEYS.device, row);
      return row;
    });
  }
}
