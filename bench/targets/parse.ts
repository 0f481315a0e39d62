import type { WorkOperation } from "../workload/workload.ts";
import { openHttpClients } from "./http-client.ts";
import type { Target, TargetOptions } from "./target.ts";

interface SubAnswer {
  readonly success?: { readonly objectId?: string; readonly updatedAt?: string };
  readonly error?: unknown;
}

/** Connects to Parse Server's `/batch`. It has neither versions nor a ledger, so there is less to check. */
export async function connectParse({ url, connections, own }: TargetOptions): Promise<Target> {
  const clients = await openHttpClients(url, connections);
  const headers = {
    "content-type": "application/json",
    "x-parse-application-id": String(own["applicationId"]),
    "x-parse-rest-api-key": String(own["restApiKey"]),
  };
  return {
    prepare({ operations }, connection) {
      const body = Buffer.from(JSON.stringify({ requests: operations.map(describeRequest) }));
      return async () => {
        const { status, text } = await clients.post(connection, "/parse/batch", headers, body);
        if (status !== 200) throw new Error(`a batch was answered ${status}: ${text.slice(0, 500)}`);
        const answers = JSON.parse(text) as SubAnswer[];
        const wrong = operations.findIndex((_, index) => answers[index]?.success === undefined);
        if (wrong !== -1 || answers.length !== operations.length) {
          const pair = [operations[wrong], answers[wrong]].map((one) => JSON.stringify(one));
          throw new Error(`${pair[0]} was answered with ${pair[1]}`);
        }
      };
    },
    close: () => clients.close(),
  };
}

function describeRequest({ kind, documentId, patch, document }: WorkOperation): object {
  const path = `/parse/classes/Document/${documentId}`;
  if (kind === "update") return { method: "PUT", path, body: patch };
  if (kind === "delete") return { method: "DELETE", path };
  return { method: "POST", path: "/parse/classes/Document", body: { objectId: documentId, ...document } };
}
