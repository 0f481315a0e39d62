import { DocumentData } from "../document/document-data.ts";
import { sizeOf } from "../document/json-size.ts";
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
    return { ok: true, data: null, timesAt: (time) => (before === null ? {} : { at: time }) };
  }
  const part = before?.read(placesOf(operation));
  const from = part?.value ?? before?.value ?? null;
  const applied = applyOperation(from, operation, policy);
  if (!applied.ok) return applied;
  const { document } = applied;
  if (part === undefined || operation.kind !== "update" || document === null) {
    const timesAt = (time: EditTime) => timesOfEdit(before?.value ?? null, document, time, policy);
    return { ok: true, data: DocumentData.of(document), timesAt };
  }
  const timesAt = (time: EditTime) => timesOfEdit(part.value, document, time, policy);
  return { ok: true, data: DocumentData.ofText(part.write(document), sizeOf(document)), timesAt };
}
