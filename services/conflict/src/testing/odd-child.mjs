// A process of a pool that obeys its question: answers, ends, or loops forever.
if (process.argv[2] === "end") process.exit(1);
process.once("disconnect", () => process.exit());
process.on("message", ({ what }) => {
  if (what === "end") process.exit(1);
  if (what === "loop") for (;;);
  process.send({ kind: "answered", pid: process.pid });
});
process.send({ kind: "ready" });
