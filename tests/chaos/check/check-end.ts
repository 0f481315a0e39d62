import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "@syncline/shared/document";
import type { ChangeBody, ChangesBody, OperationResult } from "@syncline/shared/protocol";
import { eventually } from "../../support/system.ts";
import type { ChaosSystem } from "../chaos-system.ts";
import type { History, SentBatch } from "../load/history.ts";
import { FIRST, type LoadedWorkspace } from "../load/run-load.ts";
import { CONTESTED, PAIRS, SHARED } from "../load/workload.ts";

const REST_MS_MAX = 120_000;
/**
 * The keys that may stay in Redis below a shard's tag while no operation is pending: notes of answers, and the queues'
 * own.
 */
const STAYS =
  /^(answered:\d+|barrier|queue:(drain|conflict):(events|id|meta|stalled-check)|queue:retention:.*)$/;

/** Waits until no operation is pending, and reports the leftovers if that does not happen. */
export async function checkAtRest(system: ChaosSystem, history: History): Promise<void> {
  try {
    await eventually(async () => {
      const left = await readLeftovers(system);
      if (Object.values(left).some((count) => count > 0)) throw new Error(JSON.stringify(left));
    }, REST_MS_MAX);
  } catch (error) {
    history.violate("lost", `leftovers in the end: ${String(error)}`);
  }
}

/** Counts the keys and rows that exist only while operations are pending. */
async function readLeftovers({ shards, pool }: ChaosSystem): Promise<Record<string, number>> {
  const { rows } = await pool.query<Record<string, number>>(`
    SELECT (SELECT count(*) FROM operations WHERE status = 'pending') AS pending_operations,
           (SELECT count(*) FROM conflicts WHERE status IN ('open', 'parked')) AS unsettled_conflicts,
           (SELECT count(*) FROM held_operations h JOIN conflicts c USING (workspace_id, conflict_id)
            WHERE c.status IN ('open', 'parked')) AS held_operations`);
  const left: Record<string, number> = { ...rows[0] };
  for (const { redis, tag } of shards.all) {
    for (const key of await redis.keys(`${tag}:*`)) {
      const name = key.slice(tag.length + 1);
      if (name.startsWith("lane:")) left[name] = await redis.xlen(key);
      else if (!STAYS.test(name)) left[name] = 1;
    }
  }
  return left;
}

/** Compares the tables, the feed and the ledger with the devices' own records. */
export async function checkWorkspace(
  workspace: LoadedWorkspace,
  system: ChaosSystem,
  history: History,
): Promise<void> {
  const { workspaceId, follower } = workspace;
  const changes = await readFeed(workspace);
  const stored = await readDocuments(system, workspaceId);
  const written = new Map(workspace.devices.flatMap(({ workload }) => [...workload.state.written]));
  const wrong = (what: string) => history.violate("wrong", `${workspaceId}: ${what}`);

  // The feed: no gaps, no duplicates, and a replay from its start results in the stored documents.
  const replayed = new Map<string, { version: number; data: JsonObject | null }>();
  changes.forEach((change, index) => {
    const { seq, collection, document_id, version, data } = change;
    if (seq !== index + 1) wrong(`change ${index + 1} of the feed is ${seq}`);
    const key = `${collection}/${document_id}`;
    const before = replayed.get(key);
    if (version <= (before?.version ?? 0))
      wrong(`change ${seq} takes ${key} to version ${version} from ${before?.version}`);
    if (collection === SHARED.collection) checkPlaces(before?.data, data, seq);
    const want = written.get(`${key} ${version}`);
    if (want !== undefined && !isDeepStrictEqual(data, want))
      history.violate(
        "lost",
        `${workspaceId}: change ${seq} makes ${key} ${JSON.stringify(data)}, not ${JSON.stringify(want)}`,
      );
    if (collection === PAIRS.collection) checkPair(change);
    replayed.set(key, { version, data });
  });
  if (!isDeepStrictEqual(replayed, stored))
    wrong("a replay of the feed does not result in the stored documents");
  try {
    await eventually(async () => {
      if (follower.seq() !== changes.length)
        throw new Error(`it is at ${follower.seq()} of ${changes.length}`);
    });
  } catch (error) {
    history.violate("lost", `${workspaceId}: its follower does not reach the end: ${String(error)}`);
  }

  /** Checks that one group writes both documents of a pair, one directly after the other. */
  function checkPair({ document_id: id, data, seq }: ChangeBody): void {
    const isLeft = id.endsWith("left");
    const other = changes[isLeft ? seq : seq - 2];
    const otherId = isLeft ? id.replace(/left$/, "right") : id.replace(/right$/, "left");
    const isPair =
      other?.collection === PAIRS.collection &&
      other.document_id === otherId &&
      isDeepStrictEqual(other.data, data);
    if (!isPair) wrong(`change ${seq} separates ${id} from its pair`);
  }

  /** Checks that a device's writes to its field never overtake each other. */
  function checkPlaces(before: JsonObject | null | undefined, after: JsonObject | null, seq: number): void {
    for (const [deviceId, number] of Object.entries(before ?? {})) {
      if (Number(after?.[deviceId] ?? 0) < Number(number))
        history.violate(
          "lost",
          `${workspaceId}: change ${seq} takes ${deviceId} back from ${Number(number)} to ${Number(after?.[deviceId])}`,
        );
    }
  }

  checkDocuments(workspace, stored, history);
  await checkContested(workspace, changes, history);
  await checkLedger(workspaceId, system, history);
}

function checkDocuments(
  { workspaceId, devices }: LoadedWorkspace,
  stored: ReadonlyMap<string, { version: number; data: JsonObject | null }>,
  history: History,
): void {
  const expected = new Map<string, { version: number; data: JsonObject | null }>();
  const board: JsonObject = {};
  for (const { deviceId, workload } of devices) {
    const { documents, sharedNumber, claims } = workload.state;
    for (const [key, document] of documents) expected.set(key, document);
    if (sharedNumber > 0) board[deviceId] = sharedNumber;
    for (const [key, holds] of claims) {
      if (!holds) continue;
      if (expected.has(key)) history.violate("doubled", `${workspaceId}: two devices were given ${key}`);
      expected.set(key, { version: 1, data: { by: deviceId } });
    }
    for (const [key, holds] of claims)
      if (!holds && !stored.has(key))
        history.violate("lost", `${workspaceId}: ${deviceId} was refused ${key}, which does not exist`);
  }
  const boardKey = `${SHARED.collection}/${SHARED.document_id}`;
  // The version depends on the merges; the content does not.
  expected.set(boardKey, { version: stored.get(boardKey)?.version ?? 0, data: board });
  // Written last by one of the devices that agreed: see below.
  const contestedKey = `${CONTESTED.collection}/${CONTESTED.document_id}`;
  const contested = stored.get(contestedKey);
  const values: unknown[] = devices.flatMap(({ workload }) =>
    workload.state.contested.map(({ value }) => value),
  );
  if (contested !== undefined && (values.length === 0 || values.includes(contested.data?.["value"])))
    expected.set(contestedKey, contested);
  for (const [key, want] of expected) {
    const found = stored.get(key);
    if (isDeepStrictEqual(found, want)) continue;
    const kind = (found?.version ?? 0) > want.version ? "doubled" : "lost";
    history.violate(kind, `${workspaceId}: ${key} is ${JSON.stringify(found)}, not ${JSON.stringify(want)}`);
  }
  for (const key of stored.keys())
    if (!expected.has(key))
      history.violate("doubled", `${workspaceId}: ${key} exists, but no device created it`);
}

/** Checks that every value written to the contested field is in its operation's change or in its conflict's record. */
async function checkContested(
  { workspaceId, client, devices }: LoadedWorkspace,
  changes: ChangesBody["changes"],
  history: History,
): Promise<void> {
  for (const { value, result } of devices.flatMap(({ workload }) => workload.state.contested)) {
    const { conflict_id: conflictId, seq = 0 } = result;
    const change = changes[seq - 1];
    if (change?.data?.["value"] === value) continue;
    const record =
      conflictId === undefined
        ? undefined
        : await client.get<{ local: JsonObject | null }>(`/conflicts/${conflictId}`);
    if (record?.body.local?.["value"] === value) continue;
    history.violate(
      "lost",
      `${workspaceId}: ${value} is neither in change ${seq} nor in conflict ${conflictId}`,
    );
  }
}

/** Checks that every answer equals the ledger's, and that the ledger has no other operation. */
async function checkLedger(workspaceId: string, { pool }: ChaosSystem, history: History): Promise<void> {
  const { rows } = await pool.query<LedgerRow>(
    "SELECT device_id, client_id, status, version, seq, error_type FROM operations WHERE workspace_id = $1",
    [workspaceId],
  );
  const rowByKey = new Map(rows.map((row) => [`${row.device_id} ${row.client_id}`, row]));
  // Decisions and replays change an answer: the last one counts.
  const answered = new Map<string, { batch: SentBatch; result: OperationResult }>();
  for (const batch of history.batches) {
    if (batch.workspaceId !== workspaceId) continue;
    for (const result of batch.results ?? [])
      answered.set(`${batch.deviceId} ${result.client_id}`, { batch, result });
  }
  for (const [key, { batch, result }] of answered) {
    const row = rowByKey.get(key);
    if (result.status === "skipped" ? row === undefined : row !== undefined && agrees(row, result)) continue;
    history.violate(
      "lost",
      `${key} was answered ${JSON.stringify(result)}; the ledger has ${JSON.stringify(row)}`,
      batch,
    );
  }
  for (const [key, row] of rowByKey)
    if (!answered.has(key) && !row.client_id.startsWith(FIRST))
      history.violate("doubled", `${workspaceId}: the ledger has ${key}, for which no device got an answer`);
}

interface LedgerRow {
  device_id: string;
  client_id: string;
  status: string;
  version: number | null;
  seq: number | null;
  error_type: string | null;
}

function agrees(row: LedgerRow, result: OperationResult): boolean {
  if (row.status !== result.status) return false;
  if (result.status === "success") return row.version === result.version && row.seq === result.seq;
  return row.error_type === result.error_type;
}

async function readDocuments({ pool }: ChaosSystem, workspaceId: string) {
  const { rows } = await pool.query<{ key: string; version: number; data: JsonObject | null }>(
    "SELECT collection || '/' || document_id AS key, version, data FROM documents WHERE workspace_id = $1",
    [workspaceId],
  );
  return new Map(rows.map(({ key, version, data }) => [key, { version, data }]));
}

async function readFeed({ client }: LoadedWorkspace): Promise<ChangesBody["changes"]> {
  const changes: ChangesBody["changes"] = [];
  for (let since = 0, more = true; more;) {
    const { body } = await client.get<ChangesBody>(`/changes?since=${since}&limit=1000`);
    changes.push(...body.changes);
    ({ next: since, more } = body);
  }
  return changes;
}
