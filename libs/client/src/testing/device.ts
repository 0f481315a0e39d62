import type { Role } from "@syncline/shared/protocol";
import { createHttpTransport } from "../adapters/http-transport.ts";
import { memoryStorage } from "../adapters/memory-storage.ts";
import { createClient } from "../facade/create-client.ts";
import type { Connectivity, Log, Random, Storage } from "../ports/index.ts";
import type { Client } from "../public/client.ts";
import type { ClientOptions, Schema } from "../public/options.ts";
import type { VirtualClock } from "./clock.ts";
import { createCrashingStorage, type CrashingStorage, type CrashPoint } from "./crashing-storage.ts";
import type { Network } from "./network.ts";
import { createRandom } from "./random.ts";
import type { TestServer } from "./server/test-server.ts";

/** Options of {@link createDevice}. */
export interface DeviceOptions<S extends Schema> {
  /** Names the device in its network. */
  name: string;
  clock: VirtualClock;
  network: Network;
  server: TestServer;
  collections: S;
  /** The roles that its tokens grant. */
  workspaces: Readonly<Record<string, Role>>;
  /** The signed-in user; `ann` by default. */
  account?: string;
  /** Determines all draws of the client. */
  seed?: number;
  /** The life of a token; an hour by default. */
  tokenTtlMs?: number;
  /** An empty memory by default. */
  storage?: Storage;
  /** Further options of the client. */
  client?: Partial<Pick<ClientOptions<S>, "preset" | "sync" | "rebase" | "log">>;
}

/** A device: one storage, and one process after the other that works on it. */
export interface Device<S extends Schema> {
  readonly name: string;
  /** The client of the running process. */
  readonly client: Client<S>;
  readonly isRunning: boolean;
  /** The storage that every process of the device opens. */
  readonly storage: Storage;
  /** Starts a process. */
  start(): Client<S>;
  /** Ends the process in the way of `kill -9`: nothing of it ever runs again. */
  crash(): void;
  /** Lets the process crash at one of its next commits. */
  crashAt(point: CrashPoint): void;
  /** Ends the process orderly. */
  stop(): Promise<void>;
  /** The number of commits of the running process. */
  readonly commits: number;
  /** Sets what the platform says about the network. It cuts nothing: see {@link Network.partition}. */
  setOnline(isOnline: boolean): void;
  setVisible(isVisible: boolean): void;
}

/** One process of a device. */
interface Process<S extends Schema> {
  client: Client<S>;
  storage: CrashingStorage;
}

/** Creates a device whose process is not started yet. */
export function createDevice<S extends Schema>(options: DeviceOptions<S>): Device<S> {
  const { name, server, network, account = "ann", tokenTtlMs = 3_600_000 } = options;
  const storage = options.storage ?? memoryStorage();
  const random = randomOf(options.seed ?? 1);
  const connectivity = createConnectivity();
  let running: Process<S> | undefined;

  function start(): Client<S> {
    if (running !== undefined) throw new Error(`The device ${name} is running`);
    const life = createLife(options.clock);
    const crashing = createCrashingStorage(storage, () => {
      life.end();
      running = undefined;
    });
    const fetch = network.connect(name);
    const client = createClient<S>({
      url: server.url,
      account,
      token: () =>
        Promise.resolve(
          server.token({ subject: account, workspaces: options.workspaces, ttlMs: tokenTtlMs }),
        ),
      storage: crashing.storage,
      collections: options.collections,
      transport: createHttpTransport({
        url: server.url,
        fetch: (url, request) => life.whileAlive(() => fetch(url, request)),
      }),
      clock: life.clock,
      random,
      connectivity,
      log: silent,
      ...options.client,
    });
    running = { client, storage: crashing };
    // A workspace is synced from the first call on.
    for (const id of Object.keys(options.workspaces)) client.workspace(id);
    return client;
  }

  const process = (): Process<S> => {
    if (running === undefined) throw new Error(`The device ${name} is not running`);
    return running;
  };
  return {
    name,
    get client() {
      return process().client;
    },
    get isRunning() {
      return running !== undefined;
    },
    storage,
    start,
    crash: () => process().storage.crash(),
    crashAt: (point) => process().storage.crashAt(point),
    async stop() {
      const { client } = process();
      await client.stop();
      running = undefined;
    },
    get commits() {
      return running?.storage.commits ?? 0;
    },
    setOnline: (isOnline) => connectivity.set({ isOnline }),
    setVisible: (isVisible) => connectivity.set({ isVisible }),
  };
}

const silent: Log = () => undefined;

/** The life of a process: its timers and its connections end with it. */
function createLife(clock: VirtualClock) {
  let isAlive = true;
  const cancels = new Set<() => void>();
  return {
    clock: {
      nowMs: () => clock.nowMs(),
      setTimer(delayMs: number, run: () => void) {
        if (!isAlive) return () => undefined;
        const cancel = clock.setTimer(delayMs, () => {
          cancels.delete(cancel);
          run();
        });
        cancels.add(cancel);
        return () => {
          cancels.delete(cancel);
          cancel();
        };
      },
    },
    whileAlive: <T>(call: () => Promise<T>): Promise<T> => {
      if (!isAlive) return new Promise(() => undefined);
      return call().then(
        (value) => (isAlive ? value : new Promise<never>(() => undefined)),
        (error: unknown) => {
          if (isAlive) throw error;
          return new Promise<never>(() => undefined);
        },
      );
    },
    end() {
      isAlive = false;
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}

function randomOf(seed: number): Random {
  const random = createRandom(seed);
  return {
    bytes: (length) => Uint8Array.from({ length }, () => random.below(256)),
    fraction: () => random.next(),
  };
}

function createConnectivity(): Connectivity & {
  set(state: { isOnline?: boolean; isVisible?: boolean }): void;
} {
  let state = { isOnline: true, isVisible: true };
  const listeners = new Set<() => void>();
  return {
    isOnline: () => state.isOnline,
    isVisible: () => state.isVisible,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(given) {
      state = { ...state, ...given };
      for (const listener of listeners) listener();
    },
  };
}
