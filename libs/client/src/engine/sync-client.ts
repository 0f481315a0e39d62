import type { News } from "../core/draft.ts";
import { LAYOUT_VERSION } from "../core/rows.ts";
import { Statistician } from "../core/statistics.ts";
import type { RebaseSettings } from "../core/view.ts";
import type { Clock } from "../ports/clock.ts";
import type { Connectivity } from "../ports/connectivity.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { Storage } from "../ports/storage.ts";
import type { Transport } from "../ports/transport.ts";
import type { ClientEvents } from "../public/client.ts";
import { SynclineClientError } from "../public/errors.ts";
import type { SyncSettings } from "../public/options.ts";
import { Database } from "./database.ts";
import { Device } from "./device.ts";
import type { EngineParts } from "./engine-context.ts";
import { Requests } from "./requests.ts";
import { Settlements } from "./settlements.ts";
import { Tokens } from "./tokens.ts";
import { WorkspaceEngine } from "./workspace-engine.ts";
import { Writer } from "./writer.ts";

/** The ports and choices that an engine is made of. */
export interface EngineOptions {
  readonly account: string | null;
  readonly databaseName: string;
  readonly token: () => Promise<string>;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly connectivity: Connectivity;
  readonly log: Log;
  readonly settings: SyncSettings;
  readonly rebase: RebaseSettings;
}

type Listener = (data: never) => void;

/** The composition of the engine: everything that the workspaces of one account share. */
export class SyncClient {
  readonly database: Database;
  readonly device: Device;
  readonly writer: Writer;
  readonly settlements = new Settlements();
  readonly statistics = new Statistician();
  readonly requests: Requests;
  readonly engines = new Map<string, WorkspaceEngine>();
  readonly ready: Promise<void>;
  readonly clock: Clock;
  readonly #options: EngineOptions;
  readonly #parts: EngineParts;
  readonly #listeners = new Map<keyof ClientEvents, Set<Listener>>();
  readonly #opened = new Map<string, Promise<void>>();
  #isStopped = false;
  onStalled: (workspace: string) => void = () => {};

  constructor(options: EngineOptions) {
    const { storage, clock, random, settings, account, transport } = options;
    this.#options = options;
    this.clock = clock;
    this.database = new Database(storage, settings.durability);
    this.device = new Device(this.database, clock, random);
    this.writer = new Writer(this.database, clock);
    const tokens = new Tokens(options.token, clock);
    const { statistics } = this;
    const timeoutMs = settings.requestTimeoutMs;
    this.requests = new Requests({ transport, tokens, clock, account, timeoutMs, statistics });
    this.#parts = {
      ...options,
      database: this.database,
      requests: this.requests,
      tokens,
      device: this.device,
      statistics,
      emit: (event, data) => {
        this.emit(event, data);
      },
      tell: (workspace, news) => {
        this.tell(workspace, news);
      },
    };
    this.ready = this.#open();
    // A failure is shown by whatever waits for it; alone it is no unhandled rejection.
    this.ready.catch(() => {});
  }

  async #open(): Promise<void> {
    await this.#options.storage.open(this.#options.databaseName, LAYOUT_VERSION);
    await this.device.open(this.#options.account);
    await this.device.lead();
  }

  /** Returns the engine of a workspace, which opens in the background. */
  engine(workspace: string): WorkspaceEngine {
    const known = this.engines.get(workspace);
    if (known !== undefined) return known;
    const engine = new WorkspaceEngine(this.#parts, workspace);
    engine.onStalled = () => {
      this.onStalled(workspace);
    };
    this.engines.set(workspace, engine);
    const opened = this.#openEngine(engine);
    opened.catch((error: unknown) => {
      this.#options.log("error", "a workspace cannot be opened", { workspace, error: String(error) });
    });
    this.#opened.set(workspace, opened);
    return engine;
  }

  async #openEngine(engine: WorkspaceEngine): Promise<void> {
    await this.ready;
    if (!this.#isStopped) await engine.open(this.#options.account !== null);
  }

  /** Resolves once the rows of the workspace can be read and written. */
  async opened(workspace: string): Promise<WorkspaceEngine> {
    const engine = this.engine(workspace);
    await this.#opened.get(workspace);
    if (this.#isStopped) throw new SynclineClientError("storageClosed", "The client is stopped");
    return engine;
  }

  on<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<E extends keyof ClientEvents>(event: E, data: ClientEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      // An error of the app's listener is the app's: it must not end an attempt.
      try {
        (listener as (data: ClientEvents[E]) => void)(data);
      } catch (error) {
        this.#options.log("error", "a listener failed", { event, error: String(error) });
      }
    }
  }

  tell(workspace: string, news: readonly News[]): void {
    for (const item of news) {
      switch (item.kind) {
        case "settled":
          this.#settle(workspace, item);
          break;
        case "merged": {
          const { collection, documentId: id, conflictId } = item.operation;
          this.statistics.merged += 1;
          this.emit("merged", { workspace, collection, id, conflictId, overlaps: item.overlaps });
          break;
        }
        case "parked": {
          const { collection, documentId, conflictId = "" } = item.operation;
          this.emit("conflict", { workspace, conflict: { conflictId, collection, documentId } });
          break;
        }
        case "folded":
          this.statistics.folded += item.count;
          break;
        default:
          item satisfies never;
      }
    }
  }

  #settle(workspace: string, { ids, outcome }: News & { kind: "settled" }): void {
    this.settlements.tell(ids, outcome);
    if (outcome.code === "applied") {
      this.statistics.applied += 1;
      this.statistics.tookMs(outcome.atMs - (outcome.steps[0]?.atMs ?? outcome.atMs));
    } else {
      this.statistics.refused += 1;
      this.emit("outcome", { workspace, outcome });
    }
    this.emit("settled", { workspace, ids });
  }

  /** Ends the engines, and then the storage. Requests under way are aborted: each can be sent again. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await Promise.allSettled(this.#opened.values());
    for (const engine of this.engines.values()) if (engine.state !== "stopped") engine.stop();
    this.requests.abortAll();
    await Promise.allSettled([...this.engines.values()].map((engine) => engine.idle()));
    await this.ready.then(
      () => this.database.storage.close(),
      () => {},
    );
  }
}
