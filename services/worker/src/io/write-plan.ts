import { assertInvariant, type Seq, type WorkspaceId } from "@syncline/shared/protocol";
import { arrayLiteral, type Statement } from "@syncline/store";
import type { ChangeWrite, LedgerWrite, WindowPlan } from "../core/window-plan.ts";
import type { DocumentState } from "../core/window-state.ts";
import { PARAMETER_CHARS_MAX, type Call } from "./send-pipelined.ts";
import { statement } from "./sql.ts";

const WRITE_WORKSPACES = statement("write-workspaces");
const WRITE_CHANGES = statement("write-changes");
const WRITE_LEDGER = statement("write-ledger");
const WRITE_BATCHES = statement("write-batches");
const WRITE_CONFLICTS = statement("write-conflicts");
const WRITE_DECISIONS = statement("write-decisions");
const MOVE_HELD = statement("move-held");
const WRITE_HELD = statement("write-held");

/** The statements that write a plan. The text of the rows is created lazily. */
export function* statementsOf(plan: WindowPlan, end: "COMMIT" | "ROLLBACK"): Generator<Call> {
  yield [{ text: "BEGIN" }];
  yield* inRows(WRITE_WORKSPACES, plan.workspaces);
  yield* inRows(WRITE_CHANGES, changesOf(plan), textOfChange);
  yield* inRows(WRITE_CONFLICTS, plan.conflicts);
  yield* inRows(WRITE_DECISIONS, plan.decisions);
  yield* inRows(MOVE_HELD, plan.heldMoves);
  yield* inRows(WRITE_HELD, plan.heldWrites);
  if (plan.ledgerRows.length > 0) yield [WRITE_LEDGER, columnsOf(plan.ledgerRows, revisionsOf(plan))];
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
  "conflictStatus",
  "subject",
  "requestId",
  "traceId",
  "acceptedAtMs",
  "content",
] as const satisfies (keyof LedgerWrite)[];

/** The parameters of `write-ledger.sql`; a column without any value is null. */
function columnsOf(rows: readonly LedgerWrite[], revisionOf: RevisionOf): (string | null)[] {
  const columns = LEDGER_COLUMNS.map((column) => rows.map((row) => row[column] ?? null));
  columns.push(rows.map(({ workspaceId }) => revisionOf(workspaceId)));
  return columns.map((values) => (values.every((value) => value === null) ? null : arrayLiteral(values)));
}

/** The revision of a workspace that the commit makes. */
type RevisionOf = (workspaceId: WorkspaceId) => number;

function revisionsOf({ workspaces }: WindowPlan): RevisionOf {
  const revisions = new Map(
    workspaces.map(({ workspaceId, expectedRevision }) => [workspaceId, expectedRevision + 1]),
  );
  return (workspaceId) => {
    const revision = revisions.get(workspaceId);
    assertInvariant(revision !== undefined, "a plan writes to a workspace that it does not advance");
    return revision;
  };
}

type ChangeRow = ChangeWrite & { revision: number } & Partial<
    Pick<DocumentState, "writerDeviceId" | "runBaseVersion">
  >;

/** Adds the commit's revision to each change, and the document's own columns to its last one. */
function changesOf(plan: WindowPlan): ChangeRow[] {
  const { changes, documents } = plan;
  const revisionOf = revisionsOf(plan);
  const documentByPlace = new Map(documents.map((document) => [placeOf(document), document]));
  return changes.map((change) => {
    const document = documentByPlace.get(placeOf(change));
    const row = { ...change, revision: revisionOf(change.workspaceId) };
    if (document === undefined) return row;
    const { writerDeviceId, runBaseVersion } = document;
    return { ...row, writerDeviceId, runBaseVersion };
  });
}

function placeOf({ workspaceId, seq }: { workspaceId: WorkspaceId; seq: Seq }): string {
  return `${seq} ${workspaceId}`;
}

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
