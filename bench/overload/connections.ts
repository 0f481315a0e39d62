import { openHttpConnection, type Answer, type HttpConnection } from "./http-connection.ts";

/** As many as there may be requests under way: the load process must not be what breaks. */
const CONNECTIONS_MAX = 4_000;

export interface Connections {
  /** Whether another one can be used. */
  areLeft(): boolean;
  /** Uses one for a request, and keeps it for the next. */
  use(send: (connection: HttpConnection) => Promise<Answer>): Promise<Answer>;
  close(): void;
}

/** The one that was used last is used next, so that there are no more than it takes. */
export function createConnections(url: URL): Connections {
  const free: HttpConnection[] = [];
  let used = 0;
  return {
    areLeft: () => used < CONNECTIONS_MAX,
    async use(send) {
      used++;
      try {
        const connection = free.pop() ?? (await openHttpConnection(url));
        const answer = await send(connection);
        free.push(connection);
        return answer;
      } finally {
        used--;
      }
    },
    close() {
      for (const connection of free) connection.close();
    },
  };
}
