import { DocumentData } from "../document/document-data.ts";
import { sizeOf } from "../document/json-size.ts";
import { WHOLE, type Places } from "../document/json-text.ts";
import { timesOfEdit, type ItemPolicy } from "./times-of-edit.ts";
import type { EditTime, EditTimes } from "../merge/edit-times.ts";
import type { YjsPolicy } from "../effects/yjs-places.ts";
import type { Applied, OperationEffect } from "../effects/apply-effect.ts";
import { applyOperation } from "./apply-operation.ts";
import { placesOf } from "./places-of-operation.ts";

/** The data of a document after an operation (`null`: deleted), or the fault of the operation itself. */
export type AppliedToData =
  | {
      ok: true;
      data: DocumentData | null;
      /** Returns the times of the operation's edits, by place. */
      timesAt: (time: EditTime) => EditTimes;
      /** All places that the operation may edit. */
      places: Places;
    }
  | Extract<Applied, { ok: false }>;

/**
 * Applies one operation to the data that it meets, like {@link applyOperation}. Reads only the places of a large document on
 * which the operation depends.
 *
 * @param before - `null` if there is no document, or a tombstone
 */
export function applyToData(
  before: DocumentData | null,
  operation: OperationEffect,
  policy: YjsPolicy & ItemPolicy = {},
): AppliedToData {
  if (operation.kind === "delete") {
    const timesAt = (time: EditTime) => (before === null ? {} : { at: time });
    return { ok: true, data: null, timesAt, places: WHOLE };
  }
  const read = placesOf(operation);
  const part = before?.read(read);
  const from = part?.value ?? before?.value ?? null;
  const applied = applyOperation(from, operation, policy);
  if (!applied.ok) return applied;
  const { document } = applied;
  const places = operation.kind === "update" ? read : WHOLE;
  if (part === undefined || operation.kind !== "update" || document === null) {
    const timesAt = (time: EditTime) => timesOfEdit(before?.value ?? null, document, time, policy);
    return { ok: true, data: DocumentData.of(document), timesAt, places };
  }
  const timesAt = (time: EditTime) => timesOfEdit(part.value, document, time, policy);
  return { ok: true, data: DocumentData.ofText(part.write(document), sizeOf(document)), timesAt, places };
}
