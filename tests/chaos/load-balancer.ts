import { setTimeout as delay } from "node:timers/promises";
import { openTcpProxy } from "./tcp-proxy.ts";

/** One address for several processes of a service. */
export interface LoadBalancer {
  url: string;
  /** True if every process was ready at the last check. */
  areAllReady: () => boolean;
  close(): Promise<void>;
}

/** The interval of the readiness checks. */
const LOOK_MS = 250;
const LOOK_TIMEOUT_MS = 1_000;

/**
 * Balances connections as a Service of Kubernetes does: a new connection goes to the next process that was ready at the
 * last check; an open one stays. It does not know requests, so it cannot retry one.
 */
export async function openLoadBalancer(urls: readonly string[]): Promise<LoadBalancer> {
  const ready = new Set<string>();
  const closing = new AbortController();
  let turn = 0;

  async function look(url: string): Promise<void> {
    try {
      const response = await fetch(`${url}/readyz`, {
        headers: { connection: "close" },
        signal: AbortSignal.timeout(LOOK_TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (response.ok) ready.add(url);
      else ready.delete(url);
    } catch {
      ready.delete(url); // it does not listen
    }
  }

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      await Promise.all(urls.map(look));
      await delay(LOOK_MS);
    }
  }

  await Promise.all(urls.map(look));
  const watching = watch();
  const proxy = await openTcpProxy(() => {
    const url = [...ready][turn++ % Math.max(1, ready.size)];
    return url === undefined ? undefined : Number(new URL(url).port);
  });
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    areAllReady: () => ready.size === urls.length,
    async close() {
      closing.abort();
      await watching;
      await proxy.close();
    },
  };
}
