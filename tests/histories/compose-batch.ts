import { DEFAULT_COLLECTION, type OperationResult } from "@syncline/shared/protocol";
import {
  NAMED_BY_SERVER,
  UNDECLARED,
  type DecisionDraft,
  type OperationDraft,
  type Step,
} from "./arbitraries.ts";
import {
  collectionOf,
  documentKey,
  EXPIRED_PREFIX,
  namedIdOf,
  REFUSED_PREFIX,
  type SentBatch,
  type SentOperation,
} from "./sent-batch.ts";

/** The first has the default policy, each other one its own. */
const COLLECTIONS = [undefined, "notes", "contracts", "drafts"];

/** The past of one device of a workspace. */
interface Past {
  batches: SentBatch[];
  operations: SentOperation[];
  lastExpected: Map<string, number>;
  lastPlace?: { documentId: string; collection: string | undefined };
}

/** Turns drafts into the batches of one workspace: numbers into names and versions. Remembers requests and answers. */
export class Composer {
  readonly #pastByDevice = new Map<string, Past>();
  readonly #versionsByDocument = new Map<string, number[]>();
  /** The conflicts reported to any device, by id, with the assumed status. */
  readonly #conflicts = new Map<
    string,
    { place: { collection: string; document_id: string }; state: "parked" | "reported" | "settled" }
  >();
  readonly #skippedClientIds = new Set<string>();
  #namedByServer: string | undefined;
  #nextId = 1;

  /** Records a batch's results: the devices may name their versions from then on. */
  hear(batch: SentBatch, results: readonly OperationResult[]): void {
    for (const [index, { document_id: documentId, version, ...result }] of results.entries()) {
      const operation = batch.operations[index];
      if (operation === undefined || documentId === undefined) continue;
      if (result.status === "skipped") this.#skippedClientIds.add(operation.client_id);
      const collection = collectionOf(operation);
      const conflictId = result.conflict_id ?? result.conflict_data?.conflict_id;
      if (conflictId !== undefined) {
        const isAlone = operation.group === undefined && batch.atomic !== true;
        const isReported = (operation.on_conflict ?? batch.on_conflict) === "report" || !isAlone;
        const state = result.status === "success" ? "settled" : isReported ? "reported" : "parked";
        this.#conflicts.set(conflictId, { place: { collection, document_id: documentId }, state });
      }
      if (!version) continue;
      if (namedIdOf(operation) === undefined && collection === DEFAULT_COLLECTION) {
        this.#namedByServer = documentId;
      }
      const key = documentKey({ collection, documentId });
      const versions = new Set(this.#versionsByDocument.get(key)).add(version);
      this.#versionsByDocument.set(
        key,
        [...versions].sort((a, b) => a - b),
      );
    }
  }

  compose(step: Step): SentBatch {
    const device = step.device === UNDECLARED ? undefined : `device_${step.device}`;
    const past: Past = this.#pastByDevice.get(String(device)) ?? {
      batches: [],
      operations: [],
      lastExpected: new Map<string, number>(),
    };
    this.#pastByDevice.set(String(device), past);
    const again = step.resend === undefined ? undefined : past.batches[step.resend % past.batches.length];
    if (again !== undefined) return again;

    let operations: SentOperation[] = [];
    for (const draft of step.operations) {
      const { group: _, ...sent } = this.#composeOperation(draft, past, device);
      if (operations.some((other) => other.client_id === sent.client_id || areBothRefused(other, sent)))
        continue;
      operations.push(draft.group === 0 ? sent : { ...sent, group: `group_${draft.group}` });
    }
    // Removes operations that would overtake a group, or be overtaken by it: the whole batch would be refused.
    operations = operations.filter((operation, index) => !straddles(operation, index, operations));
    past.operations.push(...operations);
    const batch: SentBatch = {
      operations,
      ...(device !== undefined && { device_id: device }),
      ...(step.atomic && { atomic: true }),
      ...(step.onConflict && { on_conflict: step.onConflict }),
      ...(step.otherEpoch && { epoch: "another" }),
    };
    past.batches.push(batch);
    return batch;
  }

  /** Returns `undefined` if no conflict can be decided. */
  composeDecision({ pick, of, choice, data, expected }: DecisionDraft): SentBatch | undefined {
    const all = [...this.#conflicts];
    const wanted = all.filter(([, { state }]) => state === of);
    const among = wanted.length > 0 ? wanted : all;
    const [conflictId, conflict] = among[pick % Math.max(1, among.length)] ?? [];
    if (conflictId === undefined || conflict === undefined) return undefined;
    const { place } = conflict;
    const { collection, document_id: documentId } = place;
    const versions = this.#versionsByDocument.get(documentKey({ collection, documentId })) ?? [];
    const version = { none: undefined, current: versions.at(-1), back: versions.at(-2) }[expected];
    const operation: SentOperation = {
      operation: "put",
      client_id: `decision_${this.#nextId++}`,
      ...place,
      ...(version !== undefined && { expected_version: version }),
      decision: { conflict_id: conflictId, choice, ...(choice === "data" && { data }) },
    };
    return { operations: [operation] };
  }

  #composeOperation(draft: OperationDraft, past: Past, device: string | undefined): SentOperation {
    const { kind, origin, data, patch, ancestor, timestamp, priority, onConflict } = draft;
    const earlier = origin.how === "new" ? undefined : this.#pickEarlier(origin.pick, past.operations);
    if (earlier !== undefined && origin.how === "again") return earlier;
    const place = (draft.stays ? past.lastPlace : undefined) ?? this.#placeOf(draft);
    past.lastPlace = place;
    const { documentId, collection } = place;
    const document = documentKey({ collection: collection ?? DEFAULT_COLLECTION, documentId });
    const expected = this.#expected(draft, document, past);
    if (expected !== undefined) past.lastExpected.set(document, expected);
    const madeId = kind === "create" ? draft.madeId : "document_id";
    const hasId = madeId === "data" || (madeId === "document_id" && draft.idInData);
    const content = patch === undefined ? { data: hasId ? { ...data, id: documentId } : data } : { patch };
    return {
      operation: kind,
      client_id: earlier?.client_id ?? this.#newClientId(draft, device),
      ...(madeId === "document_id" && { document_id: documentId }),
      ...(collection !== undefined && { collection }),
      ...(kind !== "delete" && content),
      ...(expected !== undefined && { expected_version: expected }),
      ...(ancestor !== undefined && { ancestor }),
      ...(timestamp !== undefined && { timestamp }),
      ...(priority !== undefined && { priority }),
      ...(onConflict !== undefined && { on_conflict: onConflict }),
    };
  }

  /** Every other pick is a skipped operation, if there is one: few operations are. */
  #pickEarlier(pick: number, operations: readonly SentOperation[]): SentOperation | undefined {
    const skipped = operations.filter(({ client_id }) => this.#skippedClientIds.has(client_id));
    const among = pick % 2 === 1 && skipped.length > 0 ? skipped : operations;
    return among[pick % Math.max(1, among.length)];
  }

  #placeOf(draft: OperationDraft): NonNullable<Past["lastPlace"]> {
    if (draft.document === NAMED_BY_SERVER && this.#namedByServer !== undefined) {
      return { documentId: this.#namedByServer, collection: undefined };
    }
    return { documentId: `document_${draft.document}`, collection: COLLECTIONS[draft.collection] };
  }

  #newClientId({ special }: OperationDraft, device: string | undefined): string {
    const id = this.#nextId++;
    if (special === "refused") return `${REFUSED_PREFIX}${id}`;
    if (special === "expired") return EXPIRED_PREFIX + String(id).padStart(12, "0");
    return `${device ?? "nobody"}_${id}`;
  }

  #expected({ expected }: OperationDraft, document: string, past: Past): number | undefined {
    const versions = this.#versionsByDocument.get(document) ?? [];
    const current = versions.at(-1) ?? 0;
    switch (expected.how) {
      case "none":
        return undefined;
      case "zero":
        return 0;
      case "ahead":
        // Too far ahead to be reached during the request.
        return current + 1_000;
      case "current":
        return current;
      case "again":
        return past.lastExpected.get(document) ?? current;
      case "back":
        return versions.at(-1 - expected.by) ?? versions[0] ?? 0;
      default:
        return expected satisfies never;
    }
  }
}

/** True for two refused operations in one batch: the order of their refusal would depend on the server's search. */
function areBothRefused(one: SentOperation, other: SentOperation): boolean {
  return [one, other].every(({ client_id }) => client_id.startsWith(REFUSED_PREFIX));
}

/** True if an operation is between members of a group, is not part of it, and names a document of that group. */
function straddles(operation: SentOperation, index: number, operations: readonly SentOperation[]): boolean {
  const document = documentOf(operation, index);
  const groups = operations.flatMap((other, at) =>
    other.group !== undefined && other.group !== operation.group && documentOf(other, at) === document
      ? [other.group]
      : [],
  );
  return groups.some(
    (group) =>
      operations.findIndex((other) => other.group === group) < index &&
      operations.findLastIndex((other) => other.group === group) > index,
  );
}

function documentOf(operation: SentOperation, index: number): string {
  return documentKey({
    collection: collectionOf(operation),
    documentId: namedIdOf(operation) ?? `made ${index}`,
  });
}
