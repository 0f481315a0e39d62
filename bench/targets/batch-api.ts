import type { WorkBatch, WorkOperation } from "../workload/workload.ts";
import { openHttpClients } from "./http-client.ts";
import type { Target, TargetOptions } from "./target.ts";

interface Answer {
  readonly results?: readonly {
    readonly client_id: string;
    readonly status: string;
    readonly document_id: string;
    readonly version?: number;
  }[];
}

/** The target's options besides its address. */
export interface BatchApiOwn extends Record<string, unknown> {
  readonly path: string;
  /** By workspace, then by device; left out if the server checks no tokens. */
  readonly tokens?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Sent as `Prefer`: `respond-async` asks for 202. */
  readonly prefer?: string;
  /** The expected status; a 200 has the results. */
  readonly status: 200 | 202;
}

/** Connects to Syncline's batch API over HTTP, which the compared handlers implement, too. */
export async function connectBatchApi({ url, connections, own }: TargetOptions): Promise<Target> {
  const { path, tokens, prefer, status: expected } = own as BatchApiOwn;
  const clients = await openHttpClients(url, connections);
  return {
    prepare(batch, connection) {
      const token = tokens?.[batch.workspaceId]?.[batch.deviceId];
      const headers = {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(prefer === undefined ? {} : { prefer }),
      };
      const body = Buffer.from(JSON.stringify(describeBatch(batch)));
      return async () => {
        const { status, text } = await clients.post(connection, path, headers, body);
        if (status !== expected) throw new Error(`a batch was answered ${status}: ${text.slice(0, 500)}`);
        if (status === 200) checkAnswer(batch, JSON.parse(text) as Answer);
      };
    },
    close: () => clients.close(),
  };
}

function describeBatch({ workspaceId, deviceId, operations }: WorkBatch): object {
  return { workspace_id: workspaceId, device_id: deviceId, operations: operations.map(describeOperation) };
}

function describeOperation({
  kind,
  clientId,
  documentId,
  baseVersion,
  patch,
  document,
}: WorkOperation): object {
  const operation = { operation: kind, client_id: clientId, document_id: documentId };
  if (kind === "create") return { ...operation, data: document };
  if (kind === "delete") return { ...operation, expected_version: baseVersion };
  return { ...operation, data: patch, expected_version: baseVersion };
}

/** Checks that every operation is answered, in order, with its expected version. */
function checkAnswer({ operations }: WorkBatch, { results = [] }: Answer): void {
  if (results.length !== operations.length) {
    throw new Error(`${operations.length} operations were answered with ${results.length} results`);
  }
  for (const [index, operation] of operations.entries()) {
    const result = results[index];
    const isRight =
      result?.status === "success" &&
      result.client_id === operation.clientId &&
      result.document_id === operation.documentId &&
      result.version === operation.version;
    if (!isRight) {
      throw new Error(`${JSON.stringify(operation)} was answered with ${JSON.stringify(result)}`);
    }
  }
}
