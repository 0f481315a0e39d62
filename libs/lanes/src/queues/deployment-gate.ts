import { dispositionOf } from "@syncline/shared/protocol";
import { createGauge, observe, type Logger } from "@syncline/kit/telemetry";
import type { ReadinessCheck } from "@syncline/kit/process";

/** The pause after a deployment fault; then one job is tried. */
const REST_MS = 15_000;
/** A fault that did not recur in this time is over: the jobs may have gone to other processes. */
const FAULT_MS = 2 * REST_MS;

/**
 * Pauses a process's jobs while a store does not fit this version. A missing column, permission or password is not
 * fixed by a retry, and processes of the previous version may be able to do the work. `/readyz` gives the reason.
 */
export interface DeploymentGate {
  /** Notes a failure. A deployment fault pauses the workers. */
  failed(error: unknown): void;
  /** Notes a success: the fault is gone. */
  succeeded(): void;
  /** Throws while there is a fault, with the reason. */
  check: ReadinessCheck;
}

/**
 * Creates the gate.
 *
 * @param rest - pauses all workers of the process
 */
export function createDeploymentGate(deps: { rest: (ms: number) => void; log: Logger }): DeploymentGate {
  let fault: { reason: string; untilMs: number } | undefined;
  const current = () => (fault !== undefined && performance.now() < fault.untilMs ? fault : undefined);
  const gauge = createGauge(
    "syncline.deployment.fault",
    "1 if this process takes no jobs because a store does not fit this version, otherwise 0",
    "{fault}",
  );
  observe([gauge], (result) => result.observe(gauge, current() === undefined ? 0 : 1));
  return {
    failed(error) {
      if (dispositionOf(error) !== "deployment" || !(error instanceof Error)) return;
      if (current() === undefined) {
        deps.log.error({ err: error, restMs: REST_MS }, "takes no jobs: a store does not fit this version");
      }
      fault = { reason: error.message, untilMs: performance.now() + FAULT_MS };
      deps.rest(REST_MS);
    },
    succeeded() {
      if (fault !== undefined) deps.log.info({ reason: fault.reason }, "takes jobs again: the fault is gone");
      fault = undefined;
    },
    async check() {
      const reason = current()?.reason;
      if (reason !== undefined) throw new Error(reason);
    },
  };
}
