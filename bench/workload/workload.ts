import { applyMergePatch, type JsonObject } from "@syncline/shared/document";
import { documentId, makeDocument, makePatch, seedDocuments, workspaceId, type Ground } from "./documents.ts";
import { below, createRandom, type Random } from "./random.ts";

export interface WorkOperation {
  readonly workspaceId: string;
  readonly kind: "create" | "update" | "delete";
  readonly clientId: string;
  readonly documentId: string;
  /** The version that the device last received; 0 for a create. */
  readonly baseVersion: number;
  /** The resulting version. */
  readonly version: number;
  /** An update's JSON Merge Patch. */
  readonly patch: JsonObject | null;
  /** The resulting document; `null` after a delete. */
  readonly document: JsonObject | null;
}

export interface WorkBatch {
  /**
   * The workspace of the batch, for up to {@link BATCH_OPERATIONS_MAX} operations; of the first hundred if there are
   * more.
   */
  readonly workspaceId: string;
  readonly deviceId: string;
  readonly operations: readonly WorkOperation[];
}

/**
 * - `mixed`: 70 % updates, 25 % creates, 5 % deletes; no document comes twice in a batch
 * - `updates`: updates only; no document comes twice in a batch
 * - `one document`: a batch updates one document repeatedly, like a user typing
 */
export type WorkKind = "mixed" | "updates" | "one document";

export interface WorkOptions {
  readonly kind: WorkKind;
  readonly ground: Ground;
  readonly seed: number;
  readonly connections: number;
  readonly batchOperations: number;
}

interface HeldDocument {
  readonly documentId: string;
  version: number;
  data: JsonObject;
}

/** The documents of a workspace that one connection's device works on. */
interface Share {
  readonly workspaceId: string;
  readonly documents: HeldDocument[];
}

const CREATE_SHARE = 0.25;
const DELETE_SHARE = 0.05;
/** The initial documents use seeds below this number, and must not come again. */
const SEEDS_OF_WORKSPACES = 1_000_000;
/** The maximum of a request, all in one workspace. Only the limit's statements take more, of several workspaces. */
const BATCH_OPERATIONS_MAX = 100;

/**
 * Makes the operations.
 *
 * Every connection is a device with documents of its own that waits for each answer. So every operation must succeed,
 * and its resulting version is known beforehand. If no document comes twice in a batch, no fold is possible: each
 * operation is one write for every contender.
 */
export class Work {
  readonly #options: WorkOptions;
  readonly #random: Random;
  readonly #shares: readonly (readonly Share[])[];
  #operations = 0;

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed + SEEDS_OF_WORKSPACES);
    this.#shares = shareOut(options.ground, options.connections);
  }

  /** Makes the next batch of a connection's device. */
  next(connection: number): WorkBatch {
    const shares = [...(this.#shares[connection] ?? [])];
    const operations: WorkOperation[] = [];
    while (operations.length < this.#options.batchOperations) {
      const [share] = shares.splice(below(this.#random, shares.length), 1);
      if (share === undefined)
        throw new Error(`connection ${connection} has too few workspaces for its batches`);
      const missing = this.#options.batchOperations - operations.length;
      operations.push(...this.#operationsIn(share, Math.min(missing, BATCH_OPERATIONS_MAX)));
    }
    return { workspaceId: operations[0]?.workspaceId ?? "", deviceId: deviceOf(connection), operations };
  }

  #operationsIn(share: Share, count: number): WorkOperation[] {
    return this.#options.kind === "one document" ? this.#burst(share, count) : this.#spread(share, count);
  }

  #spread({ workspaceId, documents }: Share, count: number): WorkOperation[] {
    // Touched documents are behind the untouched ones.
    let untouched = documents.length;
    const created: HeldDocument[] = [];
    const isMixed = this.#options.kind === "mixed";
    const operations = Array.from({ length: count }, (): WorkOperation => {
      const dice = this.#random();
      if (isMixed && (dice < CREATE_SHARE || untouched === 0)) {
        const document = {
          documentId: documentId(this.#random),
          version: 1,
          data: makeDocument(this.#random),
        };
        created.push(document);
        return {
          ...this.#describe(workspaceId, document, 0),
          kind: "create",
          patch: null,
          document: document.data,
        };
      }
      const document = takeOut(documents, below(this.#random, untouched--));
      if (isMixed && dice < CREATE_SHARE + DELETE_SHARE) {
        document.version += 1;
        const described = this.#describe(workspaceId, document, document.version - 1);
        return { ...described, kind: "delete", patch: null, document: null };
      }
      documents.push(document);
      return this.#update(workspaceId, document, document.version);
    });
    documents.push(...created);
    return operations;
  }

  #burst({ workspaceId, documents }: Share, count: number): WorkOperation[] {
    const document = documents[below(this.#random, documents.length)];
    if (document === undefined) throw new Error(`${workspaceId} has no documents`);
    const baseVersion = document.version;
    return Array.from({ length: count }, () => this.#update(workspaceId, document, baseVersion));
  }

  #update(workspaceId: string, document: HeldDocument, baseVersion: number): WorkOperation {
    const patch = makePatch(this.#random);
    document.data = applyMergePatch(document.data, patch);
    document.version += 1;
    return {
      ...this.#describe(workspaceId, document, baseVersion),
      kind: "update",
      patch,
      document: document.data,
    };
  }

  #describe(workspaceId: string, { documentId, version }: HeldDocument, baseVersion: number) {
    const clientId = `op_${(this.#operations++).toString().padStart(10, "0")}`;
    return { workspaceId, clientId, documentId, baseVersion, version };
  }
}

export function deviceOf(connection: number): string {
  return `device_${connection}`;
}

/** The workspaces in which a connection works. */
export function workspacesOf(ground: Ground, connections: number, connection: number): number[] {
  if (connections > ground.workspaces) return [connection % ground.workspaces];
  return range(ground.workspaces).filter((workspace) => workspace % connections === connection);
}

/** Gives every connection whole workspaces, or part of one if there are more connections than workspaces. */
function shareOut(ground: Ground, connections: number): Share[][] {
  return range(connections).map((connection) =>
    workspacesOf(ground, connections, connection).map((workspace) => {
      const others = range(connections).filter(
        (other) => connections > ground.workspaces && other % ground.workspaces === workspace,
      );
      const place = others.indexOf(connection);
      const documents = seedDocuments(ground, workspace)
        .filter((_, index) => others.length < 2 || index % others.length === place)
        .map((document) => ({ ...document, version: ground.version ?? 1 }));
      return { workspaceId: workspaceId(workspace), documents };
    }),
  );
}

/** Removes an item; the order of the others stays. */
function takeOut<T>(items: T[], index: number): T {
  const [taken] = items.splice(index, 1);
  if (taken === undefined) throw new Error("taken from beyond the end");
  return taken;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
