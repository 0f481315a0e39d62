declare const kind: unique symbol;

/**
 * A string or number of a named kind. Values of two kinds are not assignable to each other, so that two ids swapped in
 * a call do not compile; a plain string or number is assignable to each, as text from outside is. Costs nothing at
 * run time.
 */
type Kind<T extends string | number, Name extends string> = T & { readonly [kind]?: Name };

/** A tenant: documents, devices and permissions belong to one. */
export type WorkspaceId = Kind<string, "workspace">;
/** A device within its workspace. */
export type DeviceId = Kind<string, "device">;
/** An operation within its device, chosen by the client. */
export type ClientId = Kind<string, "client">;
/** A collection of documents within its workspace. */
export type CollectionName = Kind<string, "collection">;
/** A document within its collection. */
export type DocumentId = Kind<string, "document">;
/** An accepted batch, a UUID. */
export type BatchId = Kind<string, "batch">;
/** A conflict record, a UUID. */
export type ConflictId = Kind<string, "conflict">;
/** A change's position in its workspace's feed, from 1. */
export type Seq = Kind<number, "seq">;
/** A document's version, from 1; 0 stands for no document. */
export type Version = Kind<number, "version">;
