import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ProxyCounts {
  readonly roundTrips: number;
  readonly bytes: number;
}

export interface Proxy {
  readonly pid: number;
  /** The database's address through the proxy. */
  readonly url: string;
  readCounts(): Promise<ProxyCounts>;
  /** Lets no data through until `release`. */
  hold(): Promise<void>;
  release(): Promise<void>;
  stop(): Promise<void>;
}

/** Adds latency between the services and their database. */
export async function startProxy(options: { targetUrl: string; roundTripMs: number }): Promise<Proxy> {
  const url = new URL(options.targetUrl);
  const program = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = fork(program, [url.hostname, url.port, String(options.roundTripMs / 2)]);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  url.port = String(port);
  async function tell(message: string): Promise<ProxyCounts> {
    const answered = once(child, "message") as Promise<[ProxyCounts]>;
    child.send(message);
    return (await answered)[0];
  }
  return {
    pid: child.pid ?? 0,
    url: url.href,
    readCounts: () => tell("counts"),
    hold: async () => void (await tell("hold")),
    release: async () => void (await tell("release")),
    async stop() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
