import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { prepareRoles } from "../database-roles.ts";
import { createDevToken } from "../dev-token.ts";
import type { DevTokenOptions } from "../dev-token.ts";
import { findFreePorts } from "../free-port.ts";
import { ManagedProcess } from "../managed-process.ts";
import type { ProcessSpec } from "../managed-process.ts";
import type { ServicePrograms } from "../service-programs.ts";
import { describeServices, serviceUrl } from "../services.ts";
import { messageOf } from "../stack-error.ts";
import { requireProvided } from "./test-database.ts";

export interface StartSynclineOptions {
  /** An administrator's address. Each service gets an address of its own, in the name of its role. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** The number of processes of each service. Default 1. */
  readonly ingests?: number;
  readonly conflicts?: number;
  readonly workers?: number;
  /** Starts a process that ends again at once, as an orchestrator would. */
  readonly keepAlive?: boolean;
  /** More configuration, for all services. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the sources. */
  readonly programs?: ServicePrograms;
  /** The folder of logs and process records. Default: the test run's folder, whose leftover processes are ended. */
  readonly home?: string;
}

/** The services as real processes. Unless they are kept alive, a test that kills one decides when it starts again. */
export interface RunningSyncline {
  /** The first one's. */
  readonly ingestUrl: string;
  readonly ingestUrls: readonly string[];
  /** The first one's. */
  readonly conflictUrl: string;
  readonly conflictUrls: readonly string[];
  /** Health and metrics of the workers. */
  readonly workerUrls: readonly string[];
  /** The first one. */
  readonly ingest: ManagedProcess;
  readonly ingests: readonly ManagedProcess[];
  /** The first one. */
  readonly conflict: ManagedProcess;
  readonly conflicts: readonly ManagedProcess[];
  readonly workers: readonly ManagedProcess[];
  /** A token that every ingest accepts. */
  readonly token: (
    workspaces: DevTokenOptions["workspaces"],
    options?: Pick<DevTokenOptions, "subject" | "expiresIn">,
  ) => Promise<string>;
  /** The output of all services so far, each under its name. */
  readonly logs: () => string;
  /** Stops what still runs. */
  readonly stop: () => Promise<void>;
}

/** Starts the services on free ports and waits until all are ready. */
export async function startSyncline(options: StartSynclineOptions): Promise<RunningSyncline> {
  const { databaseUrl, redisUrl, env, programs, keepAlive = false } = options;
  const { ingests: ingestCount = 1, conflicts: conflictCount = 1, workers: workerCount = 1 } = options;
  const home = options.home ?? requireProvided("stackHome");
  mkdirSync(join(home, "logs"), { recursive: true });
  const logFolder = mkdtempSync(join(home, "logs", "syncline-"));
  const ports = await findFreePorts(ingestCount + conflictCount + workerCount);
  const ingestPorts = ports.splice(0, ingestCount);
  const conflictPorts = ports.splice(0, conflictCount);
  const jwtSecret = randomBytes(24).toString("hex");
  const specs = describeServices({
    databaseUrls: await prepareRoles(databaseUrl),
    redisUrl,
    jwtSecret,
    ports: { ingests: ingestPorts, conflicts: conflictPorts, workers: ports },
    env,
    programs,
  });
  const manage = (processes: readonly ProcessSpec[]) =>
    processes.map((spec) => new ManagedProcess(home, spec, logFolder));
  const ingests = manage(specs.ingests);
  const conflicts = manage(specs.conflicts);
  const workers = manage(specs.workers);
  const [ingest, conflict] = [ingests[0], conflicts[0]];
  if (ingest === undefined || conflict === undefined)
    throw new Error("Start one ingest and one conflict at least.");
  const all = [...ingests, ...conflicts, ...workers];

  const stopping = new AbortController();
  let watches: Promise<void>[] = [];
  const stop = async () => {
    stopping.abort();
    await Promise.all(all.map((service) => service.stop()));
    await Promise.all(watches);
    // One that was between its end and its new start may just have been started.
    await Promise.all(all.map((service) => service.stop()));
  };

  const starts = await Promise.allSettled(all.map((service) => service.start()));
  const failed = starts.find((start) => start.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  if (keepAlive) watches = all.map((service) => startAgain(service, stopping.signal));
  return {
    ingestUrl: serviceUrl(ingestPorts[0] ?? 0),
    ingestUrls: ingestPorts.map(serviceUrl),
    conflictUrl: serviceUrl(conflictPorts[0] ?? 0),
    conflictUrls: conflictPorts.map(serviceUrl),
    workerUrls: ports.map(serviceUrl),
    ingest,
    ingests,
    conflict,
    conflicts,
    workers,
    token: (workspaces, tokenOptions) => createDevToken({ secret: jwtSecret, workspaces, ...tokenOptions }),
    logs: () => all.map(({ name, logPath }) => `== ${name}\n${readFileSync(logPath, "utf8")}`).join("\n"),
    stop,
  };
}

/** Starts a process whenever it has ended. A start that fails is said, and tried again. */
async function startAgain(service: ManagedProcess, signal: AbortSignal): Promise<void> {
  for (;;) {
    await service.ended;
    if (signal.aborted) return;
    try {
      await service.start();
    } catch (error) {
      if (!signal.aborted) console.error(messageOf(error));
    }
  }
}
