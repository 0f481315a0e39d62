import type { Storage } from "../../ports/index.ts";

/** A device with databases, for one test. */
export interface StorageHarness {
  /** Returns a new connection that is not open yet. All connections of a harness share its databases. */
  connect(): Storage;
  /**
   * Leaves the device no free space, and returns a function that frees it again. Omit it if the medium has no bound,
   * and pass no `canFill`.
   */
  fill?(): Promise<() => Promise<void>>;
  /** Removes all databases; runs after the test, when its connections are closed. */
  dispose?(): Promise<void>;
}

/** A connection factory of one test, with a name for its database. */
export interface Device {
  connect(): Storage;
  /** Returns a connection to the database `name`, open. */
  open(name?: string, layout?: number): Promise<Storage>;
  fill(): Promise<() => Promise<void>>;
}

export interface StorageCase {
  readonly name: string;
  readonly needs?: "fill";
  run: (device: Device) => Promise<void>;
}
