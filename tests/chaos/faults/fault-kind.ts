import { setTimeout as delay } from "node:timers/promises";
import type { ManagedProcess } from "@syncline/stack";
import type { ChaosSystem } from "../chaos-system.ts";
import type { History } from "../load/history.ts";
import type { LoadedWorkspace } from "../load/run-load.ts";
import type { LogLine } from "../log-reader.ts";
import type { Random } from "../random.ts";

/** The target of a fault, and the sources of its proof. */
export interface FaultContext {
  system: ChaosSystem;
  history: History;
  workspaces: readonly LoadedWorkspace[];
  /** A workspace with much data, for slow consumers. */
  largeWorkspaceId: string;
  random: Random;
  /** The services' log lines since the fault began. */
  logged: () => readonly LogLine[];
  /** The time when the fault began. */
  beganAtMs: number;
}

/** One kind of fault. */
export interface FaultKind {
  name: string;
  /** Causes the fault and ends it. @returns the evidence of its effect; @throws {@link DidNotBite} without any */
  strike: (context: FaultContext) => Promise<string>;
}

/** Thrown if a fault had no effect, so that no guarantee was tested under it. */
export class DidNotBite extends Error {
  override readonly name = "DidNotBite";
}

const LOOK_MS = 50;

/** Waits for a condition; @throws {@link DidNotBite} if it does not become true */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const giveUpAtMs = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAtMs) throw new DidNotBite(`not within ${timeoutMs / 1_000} s: ${what}`);
    await delay(LOOK_MS);
  }
}

/** @throws {@link DidNotBite} if the condition is false */
export function prove(what: string, isSo: boolean): void {
  if (!isSo) throw new DidNotBite(`false: ${what}`);
}

/** Waits until operations are in flight. @returns their number */
export async function inFlight({ history }: FaultContext): Promise<number> {
  await until("operations are in flight", () => history.operationsInFlight > 0);
  return history.operationsInFlight;
}

/** Waits until a process runs again under another id. */
export async function startedAgain(managed: ManagedProcess, oldPid: number): Promise<void> {
  await until(
    `${managed.name} runs again`,
    async () => managed.pid !== undefined && managed.pid !== oldPid && (await managed.isReady()),
    60_000,
  );
}

/** Counts device requests since the fault began that got no usable answer. */
export function failedRequests({ history, beganAtMs }: FaultContext): number {
  return history.failedRequests(beganAtMs, Date.now());
}

/** Counts the services' warnings and errors. */
export function complaints({ logged }: FaultContext): number {
  return logged().filter(({ level }) => level === "warn" || level === "error").length;
}
