import { connect, type Socket } from "node:net";
import { prove, until, type FaultContext, type FaultKind } from "./fault-kind.ts";

/** The number of each kind, at each ingest. */
const CONSUMERS = 5;
/** The server ends a consumer that reads no data after 10 s. */
const LET_GO_MS_MAX = 30_000;

/** Clients that request more data than they read. */
export const CONSUMER_FAULTS: readonly FaultKind[] = [
  { name: "slow consumers on every stream", strike: consumeSlowly },
];

/**
 * Opens event streams and snapshots, and reads no byte. The server must end those with more data than the connections
 * can buffer; a batch has too few events for that, so its stream stays open.
 */
async function consumeSlowly(context: FaultContext): Promise<string> {
  const { system, largeWorkspaceId, history, random } = context;
  const { workspaceId } = random.pick(context.workspaces);
  const token = await system.syncline.token(
    { [largeWorkspaceId]: "reader", [workspaceId]: "reader" },
    { subject: "slow" },
  );
  const batchId = await batchOf(context, workspaceId);
  const endless = ["changes/events?since=0", "snapshot?limit=10000"].map(
    (path) => `/api/v1/workspaces/${encodeURIComponent(largeWorkspaceId)}/${path}`,
  );
  const open = (path: string) =>
    system.syncline.ingestUrls.flatMap((url) =>
      Array.from({ length: CONSUMERS }, () => openStalled(url, path, token)),
    );
  const stalled = endless.flatMap(open);
  const idle = [...open(`/api/v1/batches/${batchId}/events`), ...open(feedOf(workspaceId))];
  const beganAtMs = Date.now();
  try {
    // A socket that does not read gets no end event, so the server's log tells it.
    const letGo = () => context.logged().filter(({ message }) => message.endsWith("ended early")).length;
    await until("the server ended every stalled consumer", () => letGo() >= stalled.length, LET_GO_MS_MAX);
    prove("devices were answered meanwhile", history.longestWaitMs(beganAtMs, Date.now()) > 0);
    return `${stalled.length} stalled consumers ended after ${Date.now() - beganAtMs} ms, ${idle.length} more stayed open`;
  } finally {
    for (const socket of [...stalled, ...idle]) socket.destroy();
  }
}

function feedOf(workspaceId: string): string {
  return `/api/v1/workspaces/${encodeURIComponent(workspaceId)}/changes/events`;
}

/** Finds any answered batch of the workspace. */
async function batchOf({ system }: FaultContext, workspaceId: string): Promise<string> {
  const { rows } = await system.pool.query<{ batch_id: string }>(
    "SELECT batch_id FROM batches WHERE workspace_id = $1 LIMIT 1",
    [workspaceId],
  );
  return rows[0]?.batch_id ?? "";
}

/** Sends the request and does not read the answer. */
function openStalled(url: string, path: string, token: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined); // the server ended the connection
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${token}\r\n\r\n`);
  return socket;
}
