import type { DocumentRow } from "../core/rows.ts";
import { shownOf } from "../core/view.ts";
import type { Snapshot } from "../public/documents.ts";

const made = new WeakMap<DocumentRow, Snapshot<unknown>>();

/** Makes an app's change of a document that it read an error: it would change the row in memory, and no one would learn of it. */
function freezeDeep(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freezeDeep(inner);
}

/** The app's view of a row; `undefined`: no document. The same row gives the same object. */
export function snapshotOf<T>(row: DocumentRow | undefined): Snapshot<T> | undefined {
  if (row === undefined) return undefined;
  const known = made.get(row);
  if (known !== undefined) return known as Snapshot<T>;
  const data = shownOf(row);
  if (data === null) return undefined;
  const version = row.base?.data == null ? undefined : row.base.version;
  const snapshot: Snapshot<unknown> = {
    id: row.id,
    data,
    status: row.status,
    ...(version === undefined || version === 0 ? {} : { version }),
    ...(row.conflictId === undefined ? {} : { conflictId: row.conflictId }),
  };
  freezeDeep(data);
  made.set(row, snapshot);
  return snapshot as Snapshot<T>;
}
