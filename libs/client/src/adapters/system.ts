import type { Clock } from "../ports/clock.ts";
import type { Connectivity } from "../ports/connectivity.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";

/** The device's own clock and timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

export const systemRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  fraction: () => Math.random(),
};

/** The parts of a browser that hints come from; elsewhere they are absent. */
interface Browser {
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: EventTarget & { readonly visibilityState?: string };
  readonly addEventListener?: EventTarget["addEventListener"];
}

/** The browser's hints; elsewhere the device counts as online and visible. */
export const systemConnectivity: Connectivity = {
  isOnline: () => (globalThis as Browser).navigator?.onLine !== false,
  isVisible: () => (globalThis as Browser).document?.visibilityState !== "hidden",
  subscribe(listener) {
    const browser = globalThis as Browser;
    const end = new AbortController();
    const options = { signal: end.signal };
    browser.addEventListener?.("online", listener, options);
    browser.addEventListener?.("offline", listener, options);
    browser.document?.addEventListener("visibilitychange", listener, options);
    return () => {
      end.abort();
    };
  },
};

/** Writes warnings and errors to the console. */
export const consoleLog: Log = (level, message, fields) => {
  if (level === "warn" || level === "error") console[level](`syncline: ${message}`, fields ?? "");
};
