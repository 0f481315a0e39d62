import type { Answer } from "./answer.ts";
import type { Connection, RequestOptions } from "./connection.ts";
import { objectWith, pathOf, request } from "./send-request.ts";
import type { OperationLifeBody } from "./wire.ts";

/** Reads the life of an operation. Without a device the token's subject stands in. */
export function readOperation(
  connection: Connection,
  workspaceId: string,
  { clientId, deviceId }: { clientId: string; deviceId?: string },
  options: RequestOptions = {},
): Promise<Answer<OperationLifeBody>> {
  const path = pathOf(["workspaces", workspaceId, "operations", clientId], { device_id: deviceId });
  return request(connection, { method: "GET", path }, options, objectWith("client_id"));
}
