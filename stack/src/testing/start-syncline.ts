import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createDevToken } from "../dev-token.ts";
import type { DevTokenOptions } from "../dev-token.ts";
import { findFreePorts } from "../free-port.ts";
import { ManagedProcess } from "../managed-process.ts";
import { describeServices, serviceUrl } from "../services.ts";
import { requireProvided } from "./test-database.ts";

export interface StartSynclineOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly workers?: number;
  /** More configuration, for all services. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where logs and process records go: the run's folder in a test, which clears up what a test leaves running. */
  readonly home?: string;
}

/** The three services as real processes. None is started again by itself: a test that kills one decides. */
export interface RunningSyncline {
  readonly ingestUrl: string;
  readonly conflictUrl: string;
  readonly ingest: ManagedProcess;
  readonly conflict: ManagedProcess;
  readonly workers: readonly ManagedProcess[];
  /** A token that ingest accepts. */
  readonly token: (
    workspaces: DevTokenOptions["workspaces"],
    options?: Pick<DevTokenOptions, "subject" | "expiresIn">,
  ) => Promise<string>;
  /** What all services have written so far, each under its name. */
  readonly logs: () => string;
  /** Stops what still runs. */
  readonly stop: () => Promise<void>;
}

/** Starts the three services on free ports and waits until all are ready. */
export async function startSyncline(options: StartSynclineOptions): Promise<RunningSyncline> {
  const { databaseUrl, redisUrl, workers: workerCount = 1, env } = options;
  const home = options.home ?? requireProvided("stackHome");
  mkdirSync(join(home, "logs"), { recursive: true });
  const logFolder = mkdtempSync(join(home, "logs", "syncline-"));
  const [ingestPort = 0, conflictPort = 0, ...workerPorts] = await findFreePorts(2 + workerCount);
  const jwtSecret = randomBytes(24).toString("hex");
  const specs = describeServices({
    databaseUrl,
    redisUrl,
    jwtSecret,
    ports: { ingest: ingestPort, conflict: conflictPort, workers: workerPorts },
    env,
  });
  const ingest = new ManagedProcess(home, specs.ingest, logFolder);
  const conflict = new ManagedProcess(home, specs.conflict, logFolder);
  const workers = specs.workers.map((spec) => new ManagedProcess(home, spec, logFolder));
  const all = [ingest, conflict, ...workers];
  const stop = async () => {
    await Promise.all(all.map((service) => service.stop()));
  };

  const starts = await Promise.allSettled(all.map((service) => service.start()));
  const failed = starts.find((start) => start.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    ingestUrl: serviceUrl(ingestPort),
    conflictUrl: serviceUrl(conflictPort),
    ingest,
    conflict,
    workers,
    token: (workspaces, tokenOptions) => createDevToken({ secret: jwtSecret, workspaces, ...tokenOptions }),
    logs: () => all.map(({ name, logPath }) => `== ${name}\n${readFileSync(logPath, "utf8")}`).join("\n"),
    stop,
  };
}
