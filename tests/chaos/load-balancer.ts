import { setTimeout as delay } from "node:timers/promises";
import { openTcpProxy } from "./tcp-proxy.ts";

/** One address for several processes of a service. */
export interface LoadBalancer {
  url: string;
  /** Whether all of them were ready when they were last asked. */
  areAllReady: () => boolean;
  close(): Promise<void>;
}

/** How often it asks each of them whether it is ready. */
const LOOK_MS = 250;
const LOOK_TIMEOUT_MS = 1_000;

/**
 * Passes connections on, as a Service of Kubernetes does: a new one goes to the next process that was ready when it was last
 * asked; one that is open stays where it is. Requests it does not know, so that it cannot send one again.
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
