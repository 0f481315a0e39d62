import pg from "pg";
import { prepareWrite, Seqs, write } from "../limit/write-rows.ts";
import type { Target, TargetOptions } from "./target.ts";

/**
 * The limit: a bare client that writes the rows that Syncline writes, one statement a batch, over plain connections. It
 * checks no token, answers no HTTP request, keeps the changes' numbers in memory, and is given every resulting
 * document. Its statements are text before the clock runs.
 */
export async function connectLimit(options: TargetOptions): Promise<Target> {
  const clients = await connectClients(options);
  const seqs = new Seqs();
  return {
    prepare({ deviceId, operations }, connection) {
      const statement = prepareWrite(
        operations.map(({ workspaceId, clientId, documentId, kind, baseVersion, document }) => ({
          w: workspaceId,
          d: deviceId,
          c: clientId,
          i: documentId,
          k: kind,
          b: baseVersion,
          s: seqs.next(workspaceId),
          x: document,
        })),
      );
      const client = clientOf(clients, connection);
      return () => write(client, statement);
    },
    close: () => closeClients(clients),
  };
}

export async function connectClients({ url, connections }: TargetOptions): Promise<pg.Client[]> {
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new pg.Client({ connectionString: url, application_name: "limit" });
      await client.connect();
      return client;
    }),
  );
}

export async function closeClients(clients: readonly pg.Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.end()));
}

export function clientOf(clients: readonly pg.Client[], connection: number): pg.Client {
  const client = clients[connection];
  if (client === undefined) throw new Error(`there is no connection ${connection}`);
  return client;
}
