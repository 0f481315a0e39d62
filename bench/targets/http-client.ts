import { importPackage } from "../import-package.ts";

interface UndiciClient {
  request(options: {
    path: string;
    method: string;
    headers: Record<string, string>;
    body: string | Buffer;
  }): Promise<{ statusCode: number; body: { text(): Promise<string> } }>;
  close(): Promise<void>;
}

interface Undici {
  readonly Client: new (origin: string, options: object) => UndiciClient;
}

/** One keep-alive connection a client, one request at a time on each. */
export interface HttpClients {
  post(
    connection: number,
    path: string,
    headers: Record<string, string>,
    body: Buffer,
  ): Promise<{ status: number; text: string }>;
  close(): Promise<void>;
}

export async function openHttpClients(origin: string, connections: number): Promise<HttpClients> {
  const { Client } = await importPackage<Undici>("undici");
  const clients = Array.from({ length: connections }, () => new Client(origin, { pipelining: 1 }));
  return {
    async post(connection, path, headers, body) {
      const client = clients[connection];
      if (client === undefined) throw new Error(`there is no connection ${connection}`);
      const answer = await client.request({ path, method: "POST", headers, body });
      return { status: answer.statusCode, text: await answer.body.text() };
    },
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  };
}
