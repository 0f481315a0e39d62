import { setTimeout as delay } from "node:timers/promises";

/** The number of devices that write one document, of its fields, and of operations in total. */
export interface Load {
  readonly devices: number;
  readonly fields: number;
  readonly operations: number;
  /** Operations that a device sends at once, 1 to 100. */
  readonly perBatch: number;
}

/** Syncline's address, and the workspace and token to use. */
export interface Connection {
  readonly ingestUrl: string;
  readonly token: string;
  readonly workspaceId: string;
}

/** The document's end state and the way there. */
export interface Outcome {
  readonly data: unknown;
  readonly version: number;
  /** From the first request until every operation was committed. */
  readonly durationMs: number;
  /** The status and round in which each conflict ended. */
  readonly conflicts: readonly { readonly status: string; readonly round: number }[];
}

interface Operation {
  readonly operation: "update";
  readonly client_id: string;
  readonly document_id: string;
  readonly data: Record<string, string>;
  readonly expected_version: 1;
}

const DOCUMENT_ID = "hot";
const POLL_MS = 50;
const QUIET_TIMEOUT_MS = 60_000;

/**
 * Plans each device's edits and the document that must result. No field belongs to two devices, so no edit may be lost,
 * whatever the order. Within a device the last edit of a field stands.
 */
export function planLoad({ devices, fields, operations }: Load): {
  runs: Operation[][];
  model: Record<string, string>;
} {
  if (fields < devices || operations < fields)
    throw new Error("Give each device at least one field, and each field at least one edit.");
  const runs: Operation[][] = Array.from({ length: devices }, () => []);
  const model = newDocument(fields);
  for (let edit = 0; edit < operations; edit++) {
    const field = edit % fields;
    const run = runs[field % devices];
    const data = { [nameOf(field)]: `edit ${edit}` };
    Object.assign(model, data);
    run?.push({
      operation: "update",
      client_id: `edit ${edit}`,
      document_id: DOCUMENT_ID,
      data,
      expected_version: 1,
    });
  }
  return { runs, model };
}

/** Lets all devices write at once, each waiting only for acceptance, until every operation is complete. */
export async function writeHotDocument(connection: Connection, load: Load): Promise<Outcome> {
  const { runs } = planLoad(load);
  await post(connection, {
    device_id: "the first",
    operations: [
      { operation: "create", client_id: "new", document_id: DOCUMENT_ID, data: newDocument(load.fields) },
    ],
  });
  const startedAtMs = performance.now();
  await Promise.all(
    runs.map(async (run, index) => {
      for (let start = 0; start < run.length; start += load.perBatch) {
        const batch = {
          device_id: `device ${index}`,
          operations: run.slice(start, start + load.perBatch),
        };
        await post(connection, batch, { prefer: "respond-async" });
      }
    }),
  );
  const document = await waitForVersion(connection, 1 + load.operations);
  const durationMs = performance.now() - startedAtMs;
  return { ...document, durationMs, conflicts: await listConflicts(connection) };
}

/** Counts conflicts by their number of rounds, ascending. */
export function countByRounds(conflicts: Outcome["conflicts"]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { round } of conflicts.toSorted((a, b) => a.round - b.round)) {
    counts.set(round, (counts.get(round) ?? 0) + 1);
  }
  return counts;
}

function newDocument(fields: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: fields }, (_, field) => [nameOf(field), "new"]));
}

function nameOf(field: number): string {
  return `field ${field}`;
}

/** Waits for the last version: each operation counts one version, so it proves that all were applied. */
async function waitForVersion(
  connection: Connection,
  wanted: number,
): Promise<{ version: number; data: unknown }> {
  let last = 0;
  let movedAtMs = performance.now();
  for (;;) {
    const path = `/documents/documents/${DOCUMENT_ID}`;
    const document = await get<{ version: number; data: unknown }>(connection, path);
    if (document.version >= wanted) return document;
    if (document.version > last) {
      last = document.version;
      movedAtMs = performance.now();
    }
    if (performance.now() - movedAtMs > QUIET_TIMEOUT_MS) {
      throw new Error(`The document has stayed at version ${last} for a minute; expected version ${wanted}.`);
    }
    await delay(POLL_MS);
  }
}

async function listConflicts(connection: Connection): Promise<Outcome["conflicts"]> {
  const found: { status: string; round: number }[] = [];
  for (let before = ""; ;) {
    const page = await get<{ conflicts: typeof found; next: string; more: boolean }>(
      connection,
      `/conflicts?limit=500${before}`,
    );
    found.push(...page.conflicts.map(({ status, round }) => ({ status, round })));
    if (!page.more) return found;
    before = `&before=${page.next}`;
  }
}

async function get<T>({ ingestUrl, token, workspaceId }: Connection, path: string): Promise<T> {
  const response = await fetch(`${ingestUrl}/api/v1/workspaces/${workspaceId}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`GET ${path} was answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

async function post(
  { ingestUrl, token, workspaceId }: Connection,
  batch: object,
  headers: Record<string, string> = {},
): Promise<void> {
  const response = await fetch(`${ingestUrl}/api/v1/documents/batch`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ workspace_id: workspaceId, ...batch }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`A batch was answered ${response.status}: ${text}`);
}
