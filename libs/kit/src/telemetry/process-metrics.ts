import { performance } from "node:perf_hooks";
import { createGauge, createObservedCounter, observe } from "./metrics.ts";

/**
 * Observes a process's CPU, memory and event loop. The event loop's utilization shows how near the process is to its
 * limit.
 */
export function observeProcess(): void {
  const cpu = createObservedCounter("process.cpu.time", "CPU time that the process has used", "s");
  const memory = createGauge("process.memory.usage", "Memory that the process holds", "By");
  const loop = createObservedCounter(
    "nodejs.eventloop.time",
    "Time that the event loop has been active or idle",
    "s",
  );
  observe([cpu, memory, loop], (result) => {
    const { user, system } = process.cpuUsage();
    result.observe(cpu, user / 1e6, { "cpu.mode": "user" });
    result.observe(cpu, system / 1e6, { "cpu.mode": "system" });
    result.observe(memory, process.memoryUsage.rss());
    const { active, idle } = performance.eventLoopUtilization();
    result.observe(loop, active / 1e3, { "nodejs.eventloop.state": "active" });
    result.observe(loop, idle / 1e3, { "nodejs.eventloop.state": "idle" });
  });
}
