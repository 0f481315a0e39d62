import { packBatches, toRequestOperation, type Device, type PlannedOperation } from "./devices/device.ts";
import type { Connection } from "./http-client.ts";
import type { Progress } from "./progress.ts";
import { sendBatch, type OperationResult } from "./send-batch.ts";

/** An operation with its outcome. */
export interface FinishedOperation extends PlannedOperation {
  readonly deviceId: string;
  readonly result: OperationResult;
}

/** The operations that a phase sent, and the time until every result was final. */
export interface Phase {
  readonly operations: readonly FinishedOperation[];
  readonly batches: number;
  readonly batchesSentAgain: number;
  readonly elapsedMs: number;
}

const REQUESTS_IN_FLIGHT_PER_DEVICE = 8;

/** Lets the devices send all their operations concurrently, until every operation has its final result. */
export async function runDevices(
  connection: Connection,
  collection: string,
  devices: readonly Device[],
  progress: Progress,
): Promise<Phase> {
  const startedAt = performance.now();
  const operations: FinishedOperation[] = [];
  let batches = 0;
  let batchesSentAgain = 0;

  const sendOne = async (deviceId: string, planned: readonly PlannedOperation[]): Promise<void> => {
    const { results, sends } = await sendBatch(connection, {
      workspace_id: connection.workspaceId,
      device_id: deviceId,
      operations: planned.map((operation) => toRequestOperation(operation, collection)),
    });
    const resultByClientId = new Map(results.map((result) => [result.client_id, result]));
    for (const operation of planned) {
      const result = resultByClientId.get(operation.clientId);
      if (result === undefined)
        throw new Error(`Operation ${operation.clientId} was left out of its batch's results`);
      operations.push({ ...operation, deviceId, result });
    }
    batches += 1;
    batchesSentAgain += sends > 1 ? 1 : 0;
    progress.advance(planned.length);
  };

  await Promise.all(
    devices.flatMap((device) => {
      const queue = packBatches(device).values();
      return Array.from({ length: REQUESTS_IN_FLIGHT_PER_DEVICE }, async () => {
        for (const batch of queue) await sendOne(device.deviceId, batch);
      });
    }),
  );
  progress.finish();
  return { operations, batches, batchesSentAgain, elapsedMs: performance.now() - startedAt };
}
