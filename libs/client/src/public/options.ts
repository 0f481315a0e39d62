import type { JsonObject } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import type { Clock } from "../ports/clock.ts";
import type { Connectivity } from "../ports/connectivity.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { Storage } from "../ports/storage.ts";
import type { Transport } from "../ports/transport.ts";
import type { Effect } from "./outcomes.ts";

/** The part of the Standard Schema that the client uses (zod, valibot, arktype): https://standardschema.dev */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly unknown[] | undefined;
      }[];
    };

export interface CollectionOptions<T> {
  /** Checked before a write is stored. Must be synchronous. */
  readonly schema?: StandardSchema<T>;
  readonly onConflict?: ConflictStrategy;
  /** The view of a document that others deleted while an edit waits. Default `edit-wins`, as on the server. */
  readonly deleteVsEdit?: "edit-wins" | "delete-wins";
  /** `none`: the collection stays on the device. Default `eager`. */
  readonly sync?: "eager" | "none";
  readonly maxRetries?: number;
}

export interface CollectionDefinition<T> extends CollectionOptions<T> {
  /** Carries the type; absent at run time. */
  readonly type?: T;
}

export type Schema = Record<string, CollectionDefinition<unknown>>;
export type DocumentOf<D> = D extends CollectionDefinition<infer T> ? T : never;

export type Preset = "interactive" | "pointOfSale" | "background" | "careful";

/** Single settings; each preset has a value for all. Durations are in milliseconds. */
export interface SyncSettings {
  /** The wait after the last write until it is sent. */
  readonly windowMs: number;
  /** The longest wait after the first write. */
  readonly windowMsMax: number;
  readonly live: "stream" | "poll";
  /** The pause between two polls with `live: "poll"`. */
  readonly pollMs: number;
  /** The strategy of a transaction that names none. */
  readonly groups: ConflictStrategy;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  readonly durability: "strict" | "relaxed";
  readonly maxRetries: number;
  /** Bounds of a batch; the server accepts at most 100 operations and 10 MiB. */
  readonly batchOperationsMax: number;
  readonly batchBytesMax: number;
  /** A request that brings nothing for that long counts as lost. */
  readonly requestTimeoutMs: number;
}

/** The inputs of a prediction. */
export interface RebaseInput {
  readonly collection: string;
  /** The confirmed document; `null`: deleted or absent. */
  readonly base: JsonObject | null;
  /** The document that the first operation was made on; `undefined` if the device no longer has it. */
  readonly anchor: JsonObject | null | undefined;
  readonly operations: readonly Effect[];
  /** Applies the operations one by one; those that do not fit are left out. */
  readonly replay: (document: JsonObject | null) => JsonObject | null;
}

/** Predicts the document that the server will have after the device's operations. Pure; must not throw. */
export type Rebase = (input: RebaseInput) => JsonObject | null;

export interface ClientOptions<S> {
  readonly url: string;
  /** A stable id of the user. `null`: signed out; no operation is sent. */
  readonly account: string | null;
  readonly token: () => Promise<string>;
  readonly storage: Storage;
  readonly collections: S;
  readonly preset?: Preset;
  readonly sync?: Partial<SyncSettings>;
  /** Default: the operations are replayed on the base. `threeWay` from `@syncline/client/merge` merges. */
  readonly rebase?: Rebase;
  readonly transport?: Transport;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly connectivity?: Connectivity;
  readonly log?: Log;
}
