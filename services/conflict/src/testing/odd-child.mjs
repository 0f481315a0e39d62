// A process of a pool that obeys its question: answers, ends, loops, or sleeps.
if (process.argv[2] === "end") process.exit(1);
process.once("disconnect", () => process.exit());
process.on("message", ({ what }) => {
  if (what === "end") process.exit(1);
  if (what === "loop") for (;;);
  if (what === "sleep") sleep(1_000_000);
  if (what === "sleep and answer") sleep(600);
  process.send({ kind: "answered", pid: process.pid });
});
process.send({ kind: "ready" });

/** Keeps the process from answering, without CPU time, as a busy machine does. */
function sleep(timeMs) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeMs);
}
