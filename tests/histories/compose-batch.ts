import type { BatchDraft, OperationDraft } from "./arbitraries.ts";
import { UNDECLARED } from "./arbitraries.ts";
import type { SentBatch, SentOperation } from "./model.ts";

/** What devices may know of a workspace's documents: the versions that they may have received, oldest first. */
export interface Known {
  receivable(documentId: string): readonly number[];
}

/** What one device of a workspace did so far. */
interface Past {
  batches: SentBatch[];
  operations: SentOperation[];
  lastExpected: Map<string, number>;
}

/** Turns drafts into batches: numbers into names and versions, and remembers what was sent. */
export class Composer {
  readonly #past = new Map<string, Past>();
  readonly #known: Known;
  #nextId = 1;

  constructor(known: Known) {
    this.#known = known;
  }

  compose(draft: BatchDraft): SentBatch {
    const device = draft.device === UNDECLARED ? undefined : `device_${draft.device}`;
    const past: Past = this.#past.get(String(device)) ?? {
      batches: [],
      operations: [],
      lastExpected: new Map<string, number>(),
    };
    this.#past.set(String(device), past);
    if (draft.resend !== undefined && past.batches.length > 0) {
      const again = past.batches[draft.resend % past.batches.length];
      if (again !== undefined) return again;
    }
    const operations: SentOperation[] = [];
    let group: string | undefined;
    draft.operations.forEach((operation, index) => {
      const isNewGroup = draft.operations[index - 1]?.group !== operation.group;
      if (isNewGroup) group = operation.group === 0 ? undefined : `group_${index}`;
      const sent = this.#composeOperation(operation, past, device);
      const { group: _, ...rest } = sent;
      if (operations.some((other) => other.client_id === sent.client_id)) return;
      operations.push(group === undefined ? rest : { ...rest, group });
    });
    past.operations.push(...operations);
    const batch: SentBatch = {
      operations,
      ...(device !== undefined && { device_id: device }),
      ...(draft.atomic && { atomic: true }),
      ...(draft.onConflict && { on_conflict: draft.onConflict }),
      ...(draft.otherEpoch && { epoch: "another" }),
    };
    past.batches.push(batch);
    return batch;
  }

  #composeOperation(draft: OperationDraft, past: Past, device: string | undefined): SentOperation {
    const { kind, origin, data, patch, timestamp } = draft;
    const earlier =
      origin.how === "new" ? undefined : past.operations[origin.pick % Math.max(1, past.operations.length)];
    if (earlier !== undefined && origin.how === "again") return earlier;
    const documentId = `document_${draft.document}`;
    const expected = this.#expected(draft, documentId, past);
    if (expected !== undefined) past.lastExpected.set(documentId, expected);
    const content = patch !== undefined ? { patch } : { data };
    return {
      operation: kind,
      client_id: earlier?.client_id ?? `${device ?? "nobody"}_${this.#nextId++}`,
      document_id: documentId,
      ...(kind !== "delete" && content),
      ...(expected !== undefined && { expected_version: expected }),
      ...(timestamp !== undefined && { timestamp }),
    };
  }

  #expected({ expected }: OperationDraft, documentId: string, past: Past): number | undefined {
    const versions = this.#known.receivable(documentId);
    const current = versions.at(-1) ?? 0;
    switch (expected.how) {
      case "none":
        return undefined;
      case "zero":
        return 0;
      case "ahead":
        return current + 2;
      case "current":
        return current;
      case "again":
        return past.lastExpected.get(documentId) ?? current;
      case "back":
        return versions.at(-1 - expected.by) ?? versions[0] ?? 0;
      default:
        return expected satisfies never;
    }
  }
}
