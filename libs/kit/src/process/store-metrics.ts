import type { ReadinessCheck } from "./readiness-check.ts";
import { createGauge, observe } from "../telemetry/metrics.ts";

/** Shorter than the timeout of a scrape. */
const PING_TIMEOUT_MS = 2_000;

/** Observes if each store answers this process, and in what time. Pings the stores when the metrics are collected. */
export function observeStores(checkByName: Readonly<Record<string, ReadinessCheck>>): void {
  const up = createGauge("syncline.store.up", "1 if a store answers this process, otherwise 0", "{store}");
  const ping = createGauge("syncline.store.ping", "Time that a store took to answer a ping", "s");
  observe([up, ping], async (result) => {
    await Promise.all(
      Object.entries(checkByName).map(async ([name, check]) => {
        const attributes = { "syncline.store": name };
        const seconds = await timeToAnswer(check);
        result.observe(up, seconds === undefined ? 0 : 1, attributes);
        if (seconds !== undefined) result.observe(ping, seconds, attributes);
      }),
    );
  });
}

/** Times a ping; `undefined` if it failed or took too long. The readiness check gives the reason. */
async function timeToAnswer(check: ReadinessCheck): Promise<number | undefined> {
  const startedAtMs = performance.now();
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), PING_TIMEOUT_MS);
  const answered = check().then(
    () => (performance.now() - startedAtMs) / 1_000,
    () => undefined,
  );
  const seconds = await Promise.race([answered, late]);
  clearTimeout(timer);
  return seconds;
}
