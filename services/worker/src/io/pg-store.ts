import { DocumentData, LARGE_CHARS_MIN, type JsonObject } from "@syncline/shared/document";
import type { DocumentEdits, TimedChange } from "@syncline/shared/merge";
import type { HistoricChange, HistoricDocument } from "@syncline/shared/operations";
import {
  deviceDocumentKey,
  documentKey,
  operationKey,
  SynclineError,
  type AcceptedBatch,
  type OperationResult,
  type Resolution,
  type LedgerRow,
  type StoredEntry,
  type Seq,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { mapInSlices } from "@syncline/kit/process";
import { workspaceOf } from "@syncline/lanes";
import {
  arrayLiteral,
  camelRow,
  corkWrites,
  statementsIn,
  toSynclineError,
  type Pool,
  type PoolClient,
  type Statement,
} from "@syncline/store";
import type { ChangeWrite, LedgerWrite, WindowPlan } from "../core/window-plan.ts";
import {
  historyKey,
  needsContent,
  type Historic,
  type ConflictState,
  type DocumentState,
  type HeldRow,
  type HistoryKey,
  type RiseKey,
  type WindowState,
  type WorkspaceState,
} from "../core/window-state.ts";

/** Reads the state that a window depends on, and commits plans. */
export interface WindowStore {
  /**
   * Reads without locks. If the state changes before {@link commit}, that fails with `SYN_WORKSPACE_MOVED`.
   * @param bytesMax - the limit for the window's documents
   * @throws `SYN_WINDOW_TOO_LARGE` if they exceed it
   */
  read(entries: readonly StoredEntry[], bytesMax?: number): Promise<WindowState>;
  /**
   * Reads documents as they were; `null` if no longer known. No commit changes earlier versions.
   * @throws `SYN_WINDOW_TOO_LARGE` if they exceed `bytesMax`
   */
  readHistory(places: readonly HistoryKey[], bytesMax?: number): Promise<Map<string, Historic>>;
  /** Writes a plan in one transaction. */
  commit(plan: WindowPlan): Promise<void>;
  /** Finds the workspaces of a window that have a row which another transaction holds, without waiting for any. */
  findLocked(entries: readonly StoredEntry[]): Promise<Set<string>>;
  /** Runs the plan and rolls back; throws if Postgres rejects it. */
  dryRun(plan: WindowPlan): Promise<void>;
}

const statement = statementsIn(new URL("../sql/", import.meta.url));
const READ_WORKSPACES = statement("read-workspaces");
const READ_BATCHES = statement("read-batches");
const READ_LEDGER = statement("read-ledger");
const READ_LEDGER_DROPPED = statement("read-ledger-dropped");
const READ_DOCUMENTS = statement("read-documents");
const READ_CONFLICTS = statement("read-conflicts");
const READ_HELD = statement("read-held");
const READ_HISTORY = statement("read-history");
const READ_EDITS = statement("read-edits");
const READ_VIEWS = statement("read-views");
const FIND_LOCKED = statement("find-locked");
const READ_RISES = statement("read-rises");
const WRITE_WORKSPACES = statement("write-workspaces");
const WRITE_CHANGES = statement("write-changes");
const WRITE_LEDGER = statement("write-ledger");
const WRITE_BATCHES = statement("write-batches");
const WRITE_CONFLICTS = statement("write-conflicts");
const WRITE_DECISIONS = statement("write-decisions");
const MOVE_HELD = statement("move-held");
const WRITE_HELD = statement("write-held");

/** Rows with the column names of the SQL files. */
type Row = Record<string, unknown>;

export function createPgStore(pool: Pool, epoch: string): WindowStore {
  return {
    read,
    readHistory,
    findLocked,
    commit: (plan) => write(plan, "COMMIT"),
    dryRun: (plan) => write(plan, "ROLLBACK"),
  };

  async function read(
    entries: readonly StoredEntry[],
    bytesMax = Number.MAX_SAFE_INTEGER,
  ): Promise<WindowState> {
    const batches = entries.flatMap(({ entry }) => (entry.kind === "batch" ? [entry.batch] : []));
    const resolutions = entries.flatMap(({ entry }) =>
      entry.kind === "resolution" ? [entry.resolution] : [],
    );
    const operations = batches.flatMap((batch) =>
      batch.operations.map((operation) => ({ batch, operation })),
    );
    const ofOperations = (pick: (on: (typeof operations)[number]) => string) =>
      arrayLiteral(operations.map(pick));
    const workspaceOfBatch = ({ batch }: { batch: AcceptedBatch }) => batch.workspaceId;
    // A conflict may have several resolutions in a window: those of earlier rounds, committed but not yet removed.
    const named = [
      ...resolutions.map((resolution) => ({ ...resolution, whole: needsContent(resolution) })),
      ...operations.flatMap(({ batch: { workspaceId }, operation: { decision } }) =>
        decision === undefined ? [] : [{ workspaceId, conflictId: decision.conflictId, whole: false }],
      ),
    ];
    const ofConflicts = Map.groupBy(named, ({ conflictId }) => conflictId);
    const conflictKeys = [
      [...ofConflicts.values()].map(([first]) => first?.workspaceId),
      [...ofConflicts.keys()],
    ];
    const ofDevices = (pick: (on: (typeof operations)[number]) => string) =>
      arrayLiteral(deviceDocuments.map(pick));
    const ofDocuments = (pick: (document: (typeof documents)[number]) => string) =>
      arrayLiteral(documents.map(pick));
    // A run on one document must read it once: a window may hold thousands of operations, and a document megabytes.
    const documents = uniqueBy(
      [
        ...operations.map(({ batch, operation }) => ({ ...operation, workspaceId: batch.workspaceId })),
        ...resolutions,
      ],
      ({ workspaceId, collection, documentId }) => documentKey(workspaceId, collection, documentId),
    );
    const deviceDocuments = uniqueBy(operations, ({ batch, operation }) =>
      deviceDocumentKey(
        batch.deviceId,
        documentKey(batch.workspaceId, operation.collection, operation.documentId),
      ),
    );
    const workspaceIds = [...new Set([...batches, ...resolutions].map(({ workspaceId }) => workspaceId))];

    const rows = await pipelined(pool, [
      [READ_WORKSPACES, [workspaceIds]],
      [READ_BATCHES, [batches.map((batch) => batch.workspaceId), batches.map((batch) => batch.batchId)]],
      [
        READ_LEDGER,
        [
          ofOperations(workspaceOfBatch),
          ofOperations(({ batch }) => batch.deviceId),
          ofOperations(({ operation }) => operation.clientId),
          ...conflictKeys,
        ],
      ],
      [READ_LEDGER_DROPPED],
      [
        READ_CONFLICTS,
        [
          ofDevices(workspaceOfBatch),
          ofDevices(({ operation }) => operation.collection),
          ofDevices(({ operation }) => operation.documentId),
          ofDevices(({ batch }) => batch.deviceId),
          ...conflictKeys,
        ],
      ],
      [
        READ_DOCUMENTS,
        [
          ofDocuments((document) => document.workspaceId),
          ofDocuments((document) => document.collection),
          ofDocuments((document) => document.documentId),
          bytesMax,
        ],
      ],
      ...(ofConflicts.size === 0
        ? []
        : [
            [
              READ_HELD,
              [...conflictKeys, [...ofConflicts.values()].map((of) => of.some(({ whole }) => whole))],
            ] satisfies Call,
          ]),
    ]);
    const [
      workspaces = [],
      recorded = [],
      ledger = [],
      [dropped] = [],
      conflicts = [],
      documentRows = [],
      held = [],
    ] = rows;
    requireAllRead(documentRows);
    return {
      epoch,
      workspaceById: new Map(
        workspaces.map((row) => [String(row["workspace_id"]), camelRow<WorkspaceState>(row)]),
      ),
      resultsByBatchId: new Map(
        recorded.map((row) => [String(row["batch_id"]), row["results"] as OperationResult[]]),
      ),
      ledgerRowByKey: new Map(
        ledger.map((row) => {
          const { workspaceId, deviceId, clientId, ...rest } = camelRow<LedgerRow>(row);
          return [
            operationKey(workspaceId, deviceId, clientId),
            { workspaceId, deviceId, clientId, ...rest },
          ];
        }),
      ),
      ledgerDroppedToMs: (dropped?.["dropped_to_ms"] ?? null) as number | null,
      conflicts: conflicts.map((row) => camelRow<ConflictState>(row)),
      runByConflictId: new Map([
        ...[...ofConflicts.keys()].map((conflictId): [string, HeldRow[]] => [conflictId, []]),
        ...Map.groupBy(
          held.map((row) => camelRow<HeldRow>(row)),
          ({ conflictId }) => conflictId,
        ),
      ]),
      historyByKey: new Map(),
      documentByKey: new Map([
        ...documents.map(({ workspaceId, collection, documentId }): [string, DocumentState | null] => [
          documentKey(workspaceId, collection, documentId),
          null,
        ]),
        ...(await mapInSlices(documentRows, (row): [string, DocumentState | null] => [
          documentKey(String(row["workspace_id"]), String(row["collection"]), String(row["document_id"])),
          camelRow<DocumentState>({ ...withoutLeftOut(row), data: dataOf(row["data"]) }),
        ])),
      ]),
    };
  }

  async function readHistory(
    places: readonly HistoryKey[],
    bytesMax = Number.MAX_SAFE_INTEGER,
  ): Promise<Map<string, Historic>> {
    const edits = places.filter((place) => "since" in place);
    const versions = places.filter((place) => "version" in place);
    const views = places.filter((place) => "view" in place);
    const rises = places.filter((place) => "from" in place);
    const ofVersions: Call = [
      READ_HISTORY,
      [
        versions.map(({ workspaceId }) => workspaceId),
        versions.map(({ collection }) => collection),
        versions.map(({ documentId }) => documentId),
        versions.map(({ version }) => version),
        versions.map(({ deviceId }) => deviceId),
        bytesMax,
      ],
    ];
    const ofViews: Call = [
      READ_VIEWS,
      [
        views.map(({ workspaceId }) => workspaceId),
        views.map(({ conflictId }) => conflictId),
        views.map(({ view }) => view),
        bytesMax,
      ],
    ];
    const ofEdits: Call = [
      READ_EDITS,
      [
        edits.map(({ workspaceId }) => workspaceId),
        edits.map(({ collection }) => collection),
        edits.map(({ documentId }) => documentId),
        edits.map(({ since }) => since),
        edits.map(({ deviceId }) => deviceId),
        edits.map(({ seenUntil }) => seenUntil),
        EDITS_BYTES_MAX,
      ],
    ];
    const rows = await pipelined(pool, [
      ...(versions.length === 0 ? [] : [ofVersions]),
      ...(views.length === 0 ? [] : [ofViews]),
      ...(edits.length === 0 ? [] : [ofEdits]),
      ...(rises.length === 0 ? [] : [[READ_RISES, risesOf(rises, bytesMax)] satisfies Call]),
    ]);
    const risen = rises.length === 0 ? [] : (rows.pop() ?? []);
    const changes = edits.length === 0 ? [] : (rows.pop() ?? []);
    const rowsByPlace = Map.groupBy(risen.map(withData), (row) => Number(row["place"]));
    const changesByPlace = Map.groupBy(changes, (row) => Number(row["place"]));
    return new Map<string, Historic>([
      ...places.map((place): [string, null] => [historyKey(place), null]),
      ...rises.map((place, index): [string, Historic] => {
        const changes = (rowsByPlace.get(index + 1) ?? []).map((row) => camelRow<RiseRow>(row));
        return [historyKey(place), { changes, lastOwnVersion: changes[0]?.lastOwnVersion ?? 0 }];
      }),
      ...edits.map((place, index): [string, Historic] => [
        historyKey(place),
        editsOf(place.since, changesByPlace.get(index + 1) ?? []),
      ]),
      ...(await mapInSlices(rows.flat(), (row): [string, HistoricDocument] => {
        const { data, deleted, ...place } = camelRow<HistoryKey & HistoricDocument>(withData(row));
        return [historyKey(place), { data, deleted }];
      })),
    ]);
  }

  async function findLocked(entries: readonly StoredEntry[]): Promise<Set<string>> {
    const documents = entries.flatMap(({ entry }): DocumentKey[] =>
      entry.kind === "resolution"
        ? [entry.resolution]
        : entry.batch.operations.map((operation) => ({
            ...operation,
            workspaceId: entry.batch.workspaceId,
          })),
    );
    const call: Call = [
      FIND_LOCKED,
      [
        [...new Set(entries.map(workspaceOf))],
        documents.map(({ workspaceId }) => workspaceId),
        documents.map(({ collection }) => collection),
        documents.map(({ documentId }) => documentId),
      ],
    ];
    const [rows = []] = await pipelined(pool, [call]);
    return new Set(rows.map((row) => String(row["workspace_id"])));
  }

  async function write(plan: WindowPlan, end: "COMMIT" | "ROLLBACK"): Promise<void> {
    if (plan.workspaces.length === 0) return;
    await pipelined(pool, statementsOf(plan, end));
  }
}

type DocumentKey = Pick<Resolution, "workspaceId" | "collection" | "documentId">;

type RiseRow = HistoricChange & { place: number; lastOwnVersion: number };

/** The parameters of `read-rises.sql`. */
function risesOf(rises: readonly RiseKey[], bytesMax: number): unknown[] {
  return [
    rises.map(({ workspaceId }) => workspaceId),
    rises.map(({ collection }) => collection),
    rises.map(({ documentId }) => documentId),
    rises.map(({ deviceId }) => deviceId),
    rises.map(({ from }) => from),
    rises.map(({ to }) => to),
    bytesMax,
  ];
}

type Call = [sql: { text: string; name?: string }, values?: unknown[]];

/** The statements that write a plan. The text of the rows is created lazily. */
function* statementsOf(plan: WindowPlan, end: "COMMIT" | "ROLLBACK"): Generator<Call> {
  yield [{ text: "BEGIN" }];
  yield* inRows(WRITE_WORKSPACES, plan.workspaces);
  yield* inRows(WRITE_CHANGES, changesOf(plan), textOfChange);
  yield* inRows(WRITE_CONFLICTS, plan.conflicts);
  yield* inRows(WRITE_DECISIONS, plan.decisions);
  yield* inRows(MOVE_HELD, plan.heldMoves);
  yield* inRows(WRITE_HELD, plan.heldWrites);
  if (plan.ledgerRows.length > 0) yield [WRITE_LEDGER, columnsOf(plan.ledgerRows)];
  yield* inRows(WRITE_BATCHES, plan.batches);
  // After a failure Postgres executes COMMIT as ROLLBACK.
  yield [{ text: end }];
}

function* inRows<Row extends object>(
  sql: Statement,
  rows: readonly Row[],
  textOf: (row: Row) => string = textOfRow,
): Generator<Call> {
  for (const chunk of chunksOf(rows, textOf)) yield [sql, [chunk]];
}

/**
 * Sends statements over one connection without waiting for each answer, and then waits for all. Large statements
 * are sent in portions, because sent data stays in memory until Postgres has answered.
 * @throws the first failure; failures that only follow from it are dropped
 */
async function pipelined(pool: Pool, calls: Iterable<Call>): Promise<Row[][]> {
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw toSynclineError(error);
  }
  let isSound = false;
  try {
    const left = calls[Symbol.iterator]();
    const rows: Row[][] = [];
    for (;;) {
      const answers = await Promise.allSettled(corkWrites(client, () => sendSome(client, left)));
      if (answers.length === 0) {
        isSound = true;
        return rows;
      }
      const failed = answers.find((answer) => answer.status === "rejected");
      if (failed !== undefined) {
        const error = toSynclineError(failed.reason);
        // The statement that ends the transaction succeeds after a failure, too, if it was sent by then. After a
        // deployment fault the connection's prepared statements may belong to another schema.
        isSound = answers.at(-1)?.status === "fulfilled" && error.disposition !== "deployment";
        throw error;
      }
      rows.push(...answers.map((answer) => (answer.status === "fulfilled" ? answer.value : [])));
    }
  } finally {
    // A connection that may still have an open transaction must not be reused.
    client.release(!isSound);
  }
}

/** Sends as many statements as may be in memory at once, nearly always all. */
function sendSome(client: PoolClient, left: Iterator<Call>): Promise<Row[]>[] {
  const sent: Promise<Row[]>[] = [];
  let chars = 0;
  while (chars < PARAMETER_CHARS_MAX) {
    const next = left.next();
    if (next.done) break;
    const [sql, values = []] = next.value;
    for (const value of values) if (typeof value === "string") chars += value.length;
    sent.push(client.query<Row>({ ...sql, values }).then(({ rows }) => rows));
  }
  return sent;
}

/** Throws for the workspace with the most documents that were left out, if any. */
function requireAllRead(documentRows: readonly Row[]): void {
  const leftOutOf = new Map<string, number>();
  for (const { workspace_id: id, left_out: leftOut } of documentRows) {
    if (leftOut === true) leftOutOf.set(String(id), (leftOutOf.get(String(id)) ?? 0) + 1);
  }
  const [most] = [...leftOutOf].sort(([, one], [, other]) => other - one);
  if (most !== undefined) throw tooLarge(most[0]);
}

function tooLarge(workspaceId: unknown): SynclineError {
  const named = typeof workspaceId === "string" ? { workspaceId } : {};
  return new SynclineError(
    "SYN_WINDOW_TOO_LARGE",
    "The documents of the window are too large together",
    named,
  );
}

/** A document comes as text, so that what is too much is left out by Postgres. */
function withoutLeftOut({ left_out: leftOut, ...row }: Row): Row {
  if (leftOut === true) throw tooLarge(row["workspace_id"]);
  return row;
}

/** A small document is parsed at once, which is quicker. */
function dataOf(text: unknown): DocumentData | null {
  if (typeof text !== "string") return null;
  if (text.length >= LARGE_CHARS_MIN) return DocumentData.ofText(text);
  return DocumentData.of(JSON.parse(text) as JsonObject);
}

function withData(given: Row): Row {
  const row = withoutLeftOut(given);
  return { ...row, data: typeof row["data"] === "string" ? (JSON.parse(row["data"]) as JsonObject) : null };
}

/** The most bytes of documents from which the times of edits are computed. */
const EDITS_BYTES_MAX = 4 * 1024 * 1024;

function editsOf(since: number, rows: readonly Row[]): DocumentEdits {
  const changes = rows.map((row): TimedChange => {
    const { data, ...change } = camelRow<Omit<TimedChange, "data"> & { data: string | null }>(row);
    return { ...change, data: data === null ? null : (JSON.parse(data) as JsonObject) };
  });
  return { seenVersion: Number(rows[0]?.["seen_version"] ?? since), changes };
}

/** The parameters of `write-ledger.sql`, in its order. */
const LEDGER_COLUMNS = [
  "workspaceId",
  "deviceId",
  "clientId",
  "batchId",
  "fingerprint",
  "operation",
  "collection",
  "documentId",
  "status",
  "version",
  "seq",
  "merged",
  "decided",
  "overlapCount",
  "rounds",
  "error",
  "errorType",
  "expectedVersion",
  "currentVersion",
  "conflictId",
  "subject",
  "requestId",
  "traceId",
  "acceptedAtMs",
  "content",
] as const satisfies (keyof LedgerWrite)[];

/** The parameters of `write-ledger.sql`; a column without any value is null. */
function columnsOf(rows: readonly LedgerWrite[]): (string | null)[] {
  return LEDGER_COLUMNS.map((column) => {
    const values = rows.map((row) => row[column] ?? null);
    return values.every((value) => value === null) ? null : arrayLiteral(values);
  });
}

type ChangeRow = ChangeWrite & Partial<Pick<DocumentState, "writerDeviceId" | "runBaseVersion">>;

/** Adds the document's own columns to its last change. */
function changesOf({ changes, documents }: WindowPlan): ChangeRow[] {
  const documentByPlace = new Map(documents.map((document) => [placeOf(document), document]));
  return changes.map((change) => {
    const document = documentByPlace.get(placeOf(change));
    if (document === undefined) return change;
    const { writerDeviceId, runBaseVersion } = document;
    return { ...change, writerDeviceId, runBaseVersion };
  });
}

function placeOf({ workspaceId, seq }: { workspaceId: WorkspaceId; seq: Seq }): string {
  return `${seq} ${workspaceId}`;
}

/**
 * The most characters of one JSON parameter with several rows, and about the most that are sent before they are
 * answered.
 */
const PARAMETER_CHARS_MAX = 8 * 1024 * 1024;

/** Writes rows as JSON arrays, as few as their size allows, created lazily. */
function* chunksOf<Row>(rows: readonly Row[], textOf: (row: Row) => string): Generator<string> {
  // Joined as it is sent: a copy of each text less.
  let open = "";
  for (const row of rows) {
    const text = textOf(row);
    if (open !== "" && open.length + text.length > PARAMETER_CHARS_MAX) {
      yield `${open}]`;
      open = "";
    }
    open += open === "" ? `[${text}` : `,${text}`;
  }
  if (open !== "") yield `${open}]`;
}

/** Leaves out null columns: most are null, and Postgres need not parse them. */
function textOfRow(row: object): string {
  const left: Record<string, unknown> = { ...row };
  for (const name in left) if (left[name] === null) left[name] = undefined;
  return JSON.stringify(left);
}

/** The documents as the texts that they are, and not written once more. */
function textOfChange({ data, ended, ...row }: ChangeRow): string {
  const documents = Object.entries({ data, ended }).flatMap(([name, document]) =>
    document === null ? [] : [`,"${name}":${document.text}`],
  );
  return `${textOfRow(row).slice(0, -1)}${documents.join("")}}`;
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
