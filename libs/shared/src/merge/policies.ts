import type { CollectionName, ConflictId, DeviceId, DocumentId, WorkspaceId } from "../ids/ids.ts";
import type { JsonObject } from "../document/json.ts";
import type { MergePolicy } from "./merge-policy.ts";
import type { ConflictStrategy } from "./conflict-strategy.ts";
import type { JsonSchema, StandardSchema } from "./document-schema.ts";

/** The input of a `resolve` hook. `null` is a deleted document; `ancestor` is `null` if it is unknown. */
export interface ResolveCase {
  readonly ancestor: JsonObject | null;
  readonly remote: JsonObject | null;
  readonly local: JsonObject | null;
  /**
   * The document that the strategy commits, or proposes to a person. A hook that edits it keeps both sides' other
   * changes.
   */
  readonly merged: JsonObject | null;
  readonly context: ResolveContext;
}

/** The details of a conflict beside its documents. */
export interface ResolveContext {
  readonly workspaceId: WorkspaceId;
  readonly collection: CollectionName;
  readonly documentId: DocumentId;
  readonly conflictId: ConflictId;
  readonly deviceId: DeviceId;
  /** The merge attempt, from 1; each further one means that the document moved. */
  readonly round: number;
  /** The strategy that decides if the hook does not. */
  readonly strategy: ConflictStrategy;
}

/**
 * A hook's answer: a document (`null` deletes it), a strategy, or a question for a person. `undefined` defers to
 * the policy's strategy.
 */
export type ResolveAnswer =
  | { readonly document: JsonObject | null }
  | { readonly use: Exclude<ConflictStrategy, "report"> }
  | { readonly ask: string }
  | undefined;

export type ResolveHook = (on: ResolveCase) => ResolveAnswer | Promise<ResolveAnswer>;

/** The users who may name another strategy in a batch than the policy's. */
export const OVERRIDES = ["writers", "admins", "nobody"] as const;

/** The rules by which conflicts on a collection's documents are decided. */
export interface CollectionPolicy extends MergePolicy {
  /** Default `merge`. */
  readonly strategy?: ConflictStrategy;
  /** Default `writers`: all users who may write. */
  readonly override?: (typeof OVERRIDES)[number];
  /** Called before the strategy, in the conflict service; never for a conflict in a group, or in its last round. */
  readonly resolve?: ResolveHook;
  /**
   * The schema of the collection's documents: a synchronous Standard Schema, such as one of zod or valibot, or a JSON
   * Schema. A document that violates it is not stored.
   */
  readonly schema?: StandardSchema | JsonSchema;
  /** The hook's time limit in milliseconds. Default 1,000. */
  readonly resolveTimeoutMs?: number;
}

/** The policies of a deployment. A collection without its own policy has the default one, whole. */
export interface Policies {
  readonly default?: CollectionPolicy;
  readonly collections?: Readonly<Record<string, CollectionPolicy>>;
}

/** The policy of a collection. */
export function policyOf(policies: Policies, collection: CollectionName): CollectionPolicy {
  const { collections = {} } = policies;
  const own = Object.hasOwn(collections, collection) ? collections[collection] : undefined;
  return own ?? policies.default ?? {};
}
