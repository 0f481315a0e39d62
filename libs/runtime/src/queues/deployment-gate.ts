import { dispositionOf } from "@syncline/shared";
import type { ReadinessCheck } from "../http/health.ts";
import type { Logger } from "../log.ts";
import { createGauge, observe } from "../telemetry/metrics.ts";

/** After a fault of the deployment a process takes no jobs for so long; then one is tried. */
const REST_MS = 15_000;
/** A fault that did not come again in this time is over: jobs may have gone to other processes. */
const FAULT_MS = 2 * REST_MS;

/**
 * Stops a process's jobs while a store does not fit this version: a missing column, right or password is nothing that a retry
 * mends, and other processes, of the version before, may be able to do the work. `/readyz` says why.
 */
export interface DeploymentGate {
  /** Notes a failure. One of the deployment makes the workers rest. */
  failed(error: unknown): void;
  /** Notes that work was done: the fault is gone. */
  succeeded(): void;
  /** Throws while there is a fault, with the reason. */
  check: ReadinessCheck;
}

/** @param rest - makes all workers of the process rest */
export function createDeploymentGate(deps: { rest: (ms: number) => void; log: Logger }): DeploymentGate {
  let fault: { reason: string; untilMs: number } | undefined;
  const current = () => (fault !== undefined && performance.now() < fault.untilMs ? fault : undefined);
  const gauge = createGauge(
    "syncline.deployment.fault",
    "Whether this process takes no jobs, because a store does not fit this version: 1, or 0",
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
