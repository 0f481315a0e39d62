import { isJsonObject, memberOf, type Json, type JsonObject } from "@syncline/shared/document";
import { checkDocument, checkId } from "../core/check-write.ts";
import { assignDeep, diffDocuments } from "../core/diff.ts";
import type { PlannedWrite } from "../engine/writer.ts";
import type { WriteOptions } from "../public/documents.ts";
import { SynclineClientError } from "../public/errors.ts";
import type { CollectionOptions, SyncSettings } from "../public/options.ts";

/** Facts that every write of a collection has in common. */
export interface WriteContext {
  readonly collection: string;
  readonly definition: CollectionOptions<unknown>;
  readonly settings: SyncSettings;
  readonly makeId: () => string;
  readonly options: WriteOptions;
  readonly group?: string;
}

type Plan = PlannedWrite["plan"];

function planned(context: WriteContext, documentId: string, plan: Plan): PlannedWrite {
  const { collection, definition, settings, options, group } = context;
  const grouped = group === undefined ? undefined : settings.groups;
  const onConflict = options.onConflict ?? grouped ?? definition.onConflict;
  return {
    id: context.makeId(),
    collection,
    documentId,
    plan,
    isLocal: definition.sync === "none",
    priority: options.priority ?? "normal",
    maxRetries: options.maxRetries ?? definition.maxRetries ?? settings.maxRetries,
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(options.note === undefined ? {} : { note: options.note }),
    ...(group === undefined ? {} : { group }),
  };
}

/** Throws unless the document may be stored, by its schema and by the server's bounds. */
function check({ definition, collection }: WriteContext, document: unknown, id: string): JsonObject {
  let value = document;
  if (definition.schema !== undefined) {
    const result = definition.schema["~standard"].validate(document);
    if (result instanceof Promise) {
      throw new SynclineClientError("validationFailed", `The schema of ${collection} must be synchronous`);
    }
    if (result.issues !== undefined) {
      const issues = result.issues.map(
        ({ message, path = [] }) => `/${path.map(keyOf).join("/")} ${message}`,
      );
      throw new SynclineClientError(
        "validationFailed",
        `The document does not fit the schema: ${issues[0]}`,
        { issues },
      );
    }
    value = result.value;
  }
  checkDocument(value, id);
  // Copied, so that later changes by the app do not reach what is stored.
  return structuredClone(value);
}

function keyOf(part: unknown): string {
  return String(typeof part === "object" && part !== null && "key" in part ? part.key : part);
}

/** Makes a document. Without an id it gets one. */
export function planCreate(context: WriteContext, document: object & { id?: unknown }): PlannedWrite {
  const id = document.id ?? context.makeId();
  checkId("The document's id", id);
  const data = check(context, document, id);
  return planned(context, id, (shown) => {
    if (shown === null) return { kind: "create", data };
    throw new SynclineClientError("validationFailed", `${context.collection}/${id} exists already`);
  });
}

export function planPut(context: WriteContext, id: string, document: object): PlannedWrite {
  checkId("The document's id", id);
  const data = check(context, document, id);
  return planned(context, id, () => ({ kind: "put", data }));
}

/** Changes a document: the edit is what differs from the document as it is shown when the write is stored. */
export function planUpdate(
  context: WriteContext,
  id: string,
  change: object | ((draft: never) => unknown),
): PlannedWrite {
  checkId("The document's id", id);
  return planned(context, id, (shown) => {
    if (shown === null)
      throw new SynclineClientError("notFound", `${context.collection}/${id} does not exist`);
    const edited = edit(shown, change, id);
    return diffDocuments(shown, keepUnknown(edited, check(context, edited, id)));
  });
}

function edit(shown: JsonObject, change: object | ((draft: never) => unknown), id: string): JsonObject {
  if (typeof change !== "function") {
    checkDocument(change, id);
    return assignDeep(shown, change);
  }
  const draft = structuredClone(shown);
  change(draft as never);
  return draft;
}

/**
 * Puts back the members that a schema does not know and leaves out: other versions of the app may have written them.
 * Items are matched in arrays that keep their length.
 */
function keepUnknown(edited: JsonObject, checked: JsonObject): JsonObject;
function keepUnknown(edited: Json, checked: Json): Json;
function keepUnknown(edited: Json, checked: Json): Json {
  if (Array.isArray(edited) && Array.isArray(checked) && edited.length === checked.length)
    return checked.map((item, index) => keepUnknown(edited[index] ?? null, item));
  if (!isJsonObject(edited) || !isJsonObject(checked)) return checked;
  const entries = Object.entries(checked).map(([key, value]): [string, Json] => [
    key,
    keepUnknown(memberOf(edited, key) ?? null, value),
  ]);
  const unknown = Object.entries(edited).filter(([key]) => !Object.hasOwn(checked, key));
  return Object.fromEntries([...entries, ...unknown]);
}

export function planDelete(context: WriteContext, id: string): PlannedWrite {
  checkId("The document's id", id);
  return planned(context, id, (shown) => (shown === null ? null : { kind: "delete" }));
}
