import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import type { OperationResult } from "@syncline/shared/protocol";
import type { Random } from "../random.ts";

/** A batch to send, and its expected results. */
export interface Planned {
  body: {
    device_id: string;
    atomic?: boolean;
    on_conflict?: ConflictStrategy;
    operations: { client_id: string; [field: string]: unknown }[];
  };
  /** One for each operation. */
  expected: Expected[];
}

/** The right answers to an operation. */
export type Expected =
  | { status: "success"; version: number; document: string }
  /** Others write the document too, so its version is not known. */
  | { status: "success"; shared: true }
  /** All devices write the same field: the losing value is kept in the conflict's record. */
  | { status: "success"; contested: string }
  | { status: "error" | "conflict"; errorType: string }
  | { status: "skipped" }
  /** The first device gets it. */
  | { status: "claim"; document: string };

/** A person's decision on a conflict, or an admin's replay of an operation, and its expected results. */
export type Asked = { expected: Expected[]; clientId: string } & (
  | { decision: { choice: string; data?: JsonObject }; conflictId: string }
  /** The batch with only that operation. */
  | { replay: Planned["body"] }
);

/** Requests that each need the answer to the one before. */
export type Story = Generator<Planned | Asked, void, readonly OperationResult[]>;

/** A document that only one device writes, so that its state and every answer are known at any time. */
export interface OwnDocument {
  version: number;
  /** `null`: deleted. */
  data: JsonObject | null;
}

/** All documents and fields of a device; keys are `collection/id`. */
export interface DeviceState {
  documents: ReadonlyMap<string, OwnDocument>;
  /** The content at each version, by `collection/id version`. */
  written: ReadonlyMap<string, JsonObject | null>;
  /** The last number that the device has written to its field in its workspace's shared document. */
  sharedNumber: number;
  /** The device's values for the field that all devices of its workspace write, with their results. */
  contested: readonly { value: string; result: OperationResult }[];
  /** The device's claims: true if held, false if refused. */
  claims: ReadonlyMap<string, boolean>;
}

export const SHARED = { collection: "shared", document_id: "board" } as const;
/** Every device writes its `value`. */
export const CONTESTED = { collection: "contested", document_id: "prize" } as const;
const CONTESTED_STRATEGIES = ["merge", "last-write-wins", "client-wins", "server-wins"] as const;
/** Two documents of a device, `left` and `right`, that are always written together. */
export const PAIRS = { collection: "pairs" } as const;

const OWN_DOCUMENTS = 4;
const REPLAYABLE_MAX = 20;

/**
 * The requests of one device, and their expected answers. Most of them write growing numbers to the device's own
 * documents, so that a lost, doubled or reordered write shows. To the shared document every device writes a field of
 * its own, naming the last version that it received, so that merges keep all of them.
 */
export class Workload {
  readonly #deviceId: string;
  readonly #random: Random;
  readonly #documents = new Map<string, OwnDocument>();
  readonly #written = new Map<string, JsonObject | null>();
  readonly #claims = new Map<string, boolean>();
  readonly #settled: { planned: Planned; results: readonly OperationResult[] }[] = [];
  #operations = 0;
  /** Always grows, so that no value repeats. */
  #writes = 0;
  #sharedNumber = 0;
  #sharedVersion: number;
  readonly #contested: { value: string; result: OperationResult }[] = [];
  #contestedVersion: number;
  #claimCount = 0;

  constructor(
    deviceId: string,
    random: Random,
    options: { sharedVersion: number; contestedVersion: number },
  ) {
    this.#deviceId = deviceId;
    this.#random = random;
    this.#sharedVersion = options.sharedVersion;
    this.#contestedVersion = options.contestedVersion;
  }

  get state(): DeviceState {
    return {
      documents: this.#documents,
      written: this.#written,
      sharedNumber: this.#sharedNumber,
      contested: this.#contested,
      claims: this.#claims,
    };
  }

  /** Picks a document of the device, to be read back. */
  pickDocument(): [key: string, OwnDocument] | undefined {
    return this.#documents.size === 0 ? undefined : this.#random.pick([...this.#documents]);
  }

  /** Picks a batch with its final answer, to be sent again. */
  pickSettled(): { planned: Planned; results: readonly OperationResult[] } | undefined {
    return this.#settled.length === 0 ? undefined : this.#random.pick(this.#settled);
  }

  /** Plans the next batch. Settle it before planning another one. */
  plan(): Planned {
    const random = this.#random;
    switch (random.below(9)) {
      case 0:
        return this.#planPair();
      case 1:
        return this.#planFailingGroup();
      case 2:
        return this.#planClaim();
      case 3:
      case 4:
        return this.#batchOf([...this.#planShared(1 + random.below(3)), ...this.#planOwn(random.below(3))]);
      case 5:
        return this.#planContested();
      default:
        return this.#batchOf([
          ...this.#planOwn(1 + random.below(8)),
          ...(random.oneIn(4) ? this.#planMade() : []),
          ...(random.oneIn(6) ? this.#planRefused() : []),
        ]);
    }
  }

  /** Plans a story of several requests. */
  planStory(): Story {
    return this.#random.oneIn(2) ? this.#planDispute() : this.#planReplay();
  }

  /** Records the final answer. @returns its faults */
  settle(planned: Planned, results: readonly OperationResult[]): string[] {
    const faults = compareAnswer(planned, results);
    if (faults.length > 0) return faults;
    planned.expected.forEach((expected, index) => {
      const result = results[index];
      const data = planned.body.operations[index]?.["data"] as JsonObject | undefined;
      if ("shared" in expected) this.#sharedVersion = Math.max(this.#sharedVersion, result?.version ?? 0);
      if ("contested" in expected && result !== undefined) {
        this.#contested.push({ value: expected.contested, result });
        this.#contestedVersion = Math.max(this.#contestedVersion, result.version ?? 0);
      }
      if (expected.status === "claim") this.#claims.set(expected.document, result?.status === "success");
      if (expected.status === "success" && "document" in expected && expected.document === "made/") {
        this.#documents.set(`made/${result?.document_id}`, { version: 1, data: data ?? null });
      }
    });
    this.#settled.push({ planned, results });
    if (this.#settled.length > REPLAYABLE_MAX) this.#settled.shift();
    return [];
  }

  #batchOf(
    steps: [operation: Record<string, unknown>, expected: Expected][],
    more: Partial<Planned["body"]> = {},
  ): Planned {
    return {
      body: {
        device_id: this.#deviceId,
        ...more,
        operations: steps.map(([operation]) => ({
          client_id: `${this.#deviceId}:${++this.#operations}`,
          ...(this.#random.oneIn(10) ? { priority: "high" } : {}),
          ...operation,
        })),
      },
      expected: steps.map(([, expected]) => expected),
    };
  }

  #planOwn(count: number): [Record<string, unknown>, Expected][] {
    // The versions that the device has received so far; operations stacked on its unconfirmed writes name the same
    // ones.
    const received = new Map([...this.#documents].map(([key, { version }]) => [key, version]));
    const steps: [Record<string, unknown>, Expected][] = [];
    for (let n = 0; n < count; n++) {
      const id = `${this.#deviceId}:${this.#random.below(OWN_DOCUMENTS)}`;
      const key = `own/${id}`;
      const document = this.#documents.get(key);
      const base = received.get(key);
      const names = base !== undefined && this.#random.oneIn(2) ? { expected_version: base } : {};
      const [operation, data] = this.#planWrite(document?.data ?? null);
      const place = { collection: "own", document_id: id };
      const creates = operation["operation"] === "create";
      steps.push([{ ...place, ...operation, ...(creates ? {} : names) }, this.#write(key, data)]);
    }
    return steps;
  }

  /** Plans an operation on a document of the device, and computes the resulting document. */
  #planWrite(data: JsonObject | null): [Record<string, unknown>, JsonObject | null] {
    const number = ++this.#writes;
    if (data === null) {
      const created = { number, log: [] };
      return [{ operation: "create", data: created }, created];
    }
    const log = [...(data["log"] as number[]), number];
    if (log.length > 30 || this.#random.oneIn(12)) return [{ operation: "delete" }, null];
    switch (this.#random.below(4)) {
      case 0: {
        const put = { number, log: [number] };
        return [{ operation: "put", data: put }, put];
      }
      case 1:
        return [
          { operation: "update", data: { number } },
          { ...data, number },
        ];
      default:
        return [
          { operation: "update", patch: [{ op: "add", path: "/log/-", value: number }] },
          { ...data, log },
        ];
    }
  }

  /** A decision does not write a value that the document already has. */
  #decide(key: string, data: JsonObject): Expected {
    const { version = 0, data: before } = this.#documents.get(key) ?? {};
    if (isDeepStrictEqual(before, data)) return { status: "success", version, document: key };
    return this.#write(key, data);
  }

  #write(key: string, data: JsonObject | null): Expected {
    const version = (this.#documents.get(key)?.version ?? 0) + 1;
    this.#documents.set(key, { version, data });
    this.#written.set(`${key} ${version}`, data);
    return { status: "success", version, document: key };
  }

  #planShared(count: number): [Record<string, unknown>, Expected][] {
    const base = this.#sharedVersion;
    return Array.from({ length: count }, () => [
      {
        operation: "update",
        ...SHARED,
        data: { [this.#deviceId]: ++this.#sharedNumber },
        expected_version: base,
      },
      { status: "success", shared: true },
    ]);
  }

  #planContested(): Planned {
    const value = `${this.#deviceId}:${++this.#writes}`;
    const operation = {
      operation: "update",
      ...CONTESTED,
      data: { value },
      expected_version: this.#contestedVersion,
    };
    return this.#batchOf([[operation, { status: "success", contested: value }]], {
      on_conflict: this.#random.pick(CONTESTED_STRATEGIES),
    });
  }

  /** Plans two documents that always have the same content. */
  #planPair(): Planned {
    const number = ++this.#writes;
    const ids = ["left", "right"].map((side) => `${this.#deviceId}:${side}`);
    return this.#batchOf(
      ids.map((id) => [
        { operation: "put", ...PAIRS, document_id: id, data: { number } },
        this.#write(`pairs/${id}`, { number }),
      ]),
      { atomic: true },
    );
  }

  /** Plans a group that fails as a whole. */
  #planFailingGroup(): Planned {
    const id = `${this.#deviceId}:left`;
    return this.#batchOf(
      [
        [{ operation: "put", ...PAIRS, document_id: id, data: { number: -1 } }, { status: "skipped" }],
        ...this.#planRefused(),
      ],
      { atomic: true },
    );
  }

  /**
   * Plans a document that another device has changed in the same field: a person decides, and the device learns the
   * outcome.
   */
  *#planDispute(): Story {
    const random = this.#random;
    const id = `${this.#deviceId}:${random.below(2)}`;
    const [place, key] = [{ collection: "disputed", document_id: id }, `disputed/${id}`];
    const put = (data: JsonObject): [Record<string, unknown>, Expected] => [
      { operation: "put", ...place, data },
      this.#write(key, data),
    ];
    yield this.#batchOf([put({ number: ++this.#writes })]);
    const base = this.#documents.get(key)?.version;
    const theirs = { number: ++this.#writes };
    yield this.#batchOf([put(theirs)], { device_id: `${this.#deviceId}:rival` });
    const ours = { number: ++this.#writes };
    const disputed = this.#batchOf(
      [
        [
          { operation: "update", ...place, data: ours, expected_version: base },
          { status: "conflict", errorType: "parked" },
        ],
      ],
      { on_conflict: "manual" },
    );
    const [parked] = yield disputed;
    const another = { number: ++this.#writes };
    const [decision, data] = random.pick([
      [{ choice: "server" }, theirs],
      [{ choice: "local" }, ours],
      [{ choice: "merged" }, ours],
      [{ choice: "data", data: another }, another],
    ]);
    const expected = [this.#decide(key, data)];
    const clientId = `${this.#deviceId}:${++this.#operations}`;
    yield { decision, conflictId: parked?.conflict_data?.conflict_id ?? "", clientId, expected };
    yield { ...disputed, expected };
  }

  /** Plans an operation that precedes its document, and its replay once the document exists. */
  *#planReplay(): Story {
    const id = `${this.#deviceId}:${++this.#writes}`;
    const [place, key] = [{ collection: "late", document_id: id }, `late/${id}`];
    const early = this.#batchOf([
      [
        { operation: "update", ...place, data: { late: true } },
        { status: "error", errorType: "document_not_found" },
      ],
    ]);
    yield early;
    const created = { number: this.#writes };
    yield this.#batchOf([[{ operation: "create", ...place, data: created }, this.#write(key, created)]]);
    const expected = [this.#write(key, { ...created, late: true })];
    const [clientId = ""] = clientIdsOf(early);
    yield { replay: early.body, clientId, expected };
    yield { ...early, expected };
  }

  #planRefused(): [Record<string, unknown>, Expected][] {
    const missing = {
      operation: "update",
      collection: "own",
      document_id: "never there",
      data: { number: 1 },
    };
    return [[missing, { status: "error", errorType: "document_not_found" }]];
  }

  /** Plans a create without an id: the server makes one, once. */
  #planMade(): [Record<string, unknown>, Expected][] {
    return [
      [
        { operation: "create", collection: "made", data: { by: this.#deviceId, number: ++this.#writes } },
        { status: "success", version: 1, document: "made/" },
      ],
    ];
  }

  /** Plans a create that every device of the workspace attempts. */
  #planClaim(): Planned {
    const id = `claim ${++this.#claimCount}`;
    return this.#batchOf(
      [
        [
          { operation: "create", collection: "claims", document_id: id, data: { by: this.#deviceId } },
          { status: "claim", document: `claims/${id}` },
        ],
      ],
      { on_conflict: "report" },
    );
  }
}

/** Lists the faults of an answer. */
export function compareAnswer(asked: Planned | Asked, results: readonly OperationResult[]): string[] {
  const { expected } = asked;
  const clientIds = clientIdsOf(asked);
  if (results.length !== expected.length)
    return [`${expected.length} operations had ${results.length} results`];
  return expected.flatMap((want, index) => {
    const result = results[index];
    const clientId = clientIds[index];
    if (result !== undefined && result.client_id === clientId && isRight(want, result)) return [];
    return [`${clientId} must result in ${JSON.stringify(want)}, and was answered ${JSON.stringify(result)}`];
  });
}

/** The operations of a request. */
export function clientIdsOf(asked: Planned | Asked): string[] {
  return "body" in asked ? asked.body.operations.map(({ client_id }) => client_id) : [asked.clientId];
}

function isRight(want: Expected, result: OperationResult): boolean {
  if (want.status === "claim") {
    return (
      (result.status === "success" && result.version === 1) ||
      (result.status === "conflict" && result.error_type === "document_exists")
    );
  }
  if (result.status !== want.status) return false;
  if ("errorType" in want) return result.error_type === want.errorType;
  if (want.status === "success" && "shared" in want) return (result.overlaps ?? 0) === 0;
  return want.status === "skipped" || "contested" in want || result.version === want.version;
}

/** Lists the differences between the answers to a resent batch and the first ones. */
export function compareReplay(
  first: readonly OperationResult[],
  again: readonly OperationResult[],
): string[] {
  const essence = ({ client_id, status, document_id, version, seq, error_type }: OperationResult) =>
    JSON.stringify({ client_id, status, document_id, version, seq, error_type });
  return first.flatMap((result, index) => {
    const other = again[index];
    if (other !== undefined && essence(other) === essence(result)) return [];
    return [`the resend was answered ${JSON.stringify(other)}, the first request ${JSON.stringify(result)}`];
  });
}
