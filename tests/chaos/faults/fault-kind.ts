import { setTimeout as delay } from "node:timers/promises";
import type { ManagedProcess } from "@syncline/stack";
import type { ChaosSystem } from "../chaos-system.ts";
import type { History } from "../load/history.ts";
import type { LoadedWorkspace } from "../load/run-load.ts";
import type { LogLine } from "../log-reader.ts";
import type { Random } from "../random.ts";

/** What a fault works on, and what it proves itself by. */
export interface FaultContext {
  system: ChaosSystem;
  history: History;
  workspaces: readonly LoadedWorkspace[];
  /** A workspace with much in it, for those who take it slowly. */
  largeWorkspaceId: string;
  random: Random;
  /** What the services have logged since the fault began. */
  logged: () => readonly LogLine[];
  /** When the fault began. */
  beganAtMs: number;
}

/** Something that goes wrong. */
export interface FaultKind {
  name: string;
  /** Does harm and mends it again. @returns how one can tell that it bit; @throws {@link DidNotBite} where one cannot */
  strike: (context: FaultContext) => Promise<string>;
}

/** A fault did no harm, so that what held under it was not shown. */
export class DidNotBite extends Error {
  override readonly name = "DidNotBite";
}

const LOOK_MS = 50;

/** Waits until something is so; @throws {@link DidNotBite} where it does not become so */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const giveUpAtMs = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAtMs)
      throw new DidNotBite(`in ${timeoutMs / 1_000} s it did not come to this: ${what}`);
    await delay(LOOK_MS);
  }
}

/** @throws {@link DidNotBite} unless it is so */
export function prove(what: string, isSo: boolean): void {
  if (!isSo) throw new DidNotBite(`it is not so that ${what}`);
}

/** Waits for somebody to be in the middle of something. @returns how many operations were */
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

/** Requests of devices that had no answer to go by since the fault began. */
export function failedRequests({ history, beganAtMs }: FaultContext): number {
  return history.failedRequests(beganAtMs, Date.now());
}

/** Lines in which services complain. */
export function complaints({ logged }: FaultContext): number {
  return logged().filter(({ level }) => level === "warn" || level === "error").length;
}
