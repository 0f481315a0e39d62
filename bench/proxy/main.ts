// A TCP proxy in a process of its own: adds a delay in both directions, counts round trips, and holds all traffic on
// request. `fork`ed with HOST PORT DELAY_MS; sends its port, and its counts in answer to each message.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

const [host = "", port = "", delayText = "0"] = process.argv.slice(2);
const delayMs = Number(delayText);
let roundTrips = 0;
let bytes = 0;
let isHeld = false;
const sendLater = new Set<() => void>();

const server = createServer({ noDelay: true }, (client) => {
  const database = connect({ host, port: Number(port), noDelay: true });
  // Data that goes out after data came in begins a round trip.
  let isOut = false;
  carry(client, database, () => {
    if (!isOut) roundTrips++;
    isOut = true;
  });
  carry(database, client, () => {
    isOut = false;
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("message", (message) => {
  if (message === "hold") isHeld = true;
  if (message === "release") release();
  process.send?.({ roundTrips, bytes });
});
process.on("disconnect", () => process.exit(0));

function release(): void {
  isHeld = false;
  for (const send of sendLater) send();
  sendLater.clear();
}

/** Timers have a resolution of whole milliseconds: data due within half of one is sent immediately. */
const TOLERANCE_MS = 0.5;

/** Forwards all data after the delay, in order: chunks wait in a queue, and one timer stands for the first of them. */
function carry(from: Socket, to: Socket, onData: () => void): void {
  const waiting: { dueMs: number; chunk: Buffer }[] = [];
  const send = () => {
    if (isHeld) {
      sendLater.add(send);
      return;
    }
    const nowMs = performance.now();
    while (waiting[0] !== undefined && waiting[0].dueMs <= nowMs + TOLERANCE_MS) {
      to.write(waiting.shift()?.chunk ?? "");
    }
    if (waiting[0] !== undefined) setTimeout(send, Math.floor(waiting[0].dueMs - nowMs));
  };
  from.on("data", (chunk) => {
    onData();
    bytes += chunk.length;
    waiting.push({ dueMs: performance.now() + delayMs, chunk });
    if (waiting.length === 1) setTimeout(send, Math.floor(delayMs));
  });
  from.on("close", () => to.destroy());
  from.on("error", () => to.destroy());
}
