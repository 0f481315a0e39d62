import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * A fault of a line:
 *
 * - `latency`: all data arrives this much later, each way.
 * - `slow`: this many bytes a second, each way and a connection.
 * - `silent`: no data arrives until the fault is over, as with an unplugged cable; data sent meanwhile arrives then.
 *   New
 *   connections are accepted, and receive no data.
 * - `reset`: open connections are reset, and so is each new one.
 * - `half-open`: open connections carry no data any more, and neither side is notified, as when a host or a firewall
 *   forgets them; new connections work.
 */
export type LineFault =
  | { kind: "latency"; ms: number }
  | { kind: "slow"; bytesPerSecond: number }
  | { kind: "silent" }
  | { kind: "reset" }
  | { kind: "half-open" };

/** The effects of a proxy's faults since it was opened. */
export interface LineHarm {
  /** Bytes delayed by latency, a slow line or silence. */
  delayedBytes: number;
  /** Bytes that never arrived. */
  lostBytes: number;
  /** Connections that were reset, or became half-open. */
  connections: number;
}

/** A TCP proxy with line faults. */
export interface TcpProxy {
  port: number;
  openConnections: () => number;
  harm: () => LineHarm;
  /** Lasts until the next call; `undefined` ends the fault. */
  setFault(fault: LineFault | undefined): void;
  close(): Promise<void>;
}

/** The maximum of data in flight in one direction; beyond it the sender is paused. */
const QUEUE_BYTES_MAX = 1024 * 1024;
const HOST = "127.0.0.1";

/** @param target - the port of new connections on this machine; `undefined` refuses them */
export async function openTcpProxy(target: () => number | undefined): Promise<TcpProxy> {
  const lines = new Set<Line>();
  const harm: LineHarm = { delayedBytes: 0, lostBytes: 0, connections: 0 };
  let fault: LineFault | undefined;
  let mended = Promise.withResolvers<void>();

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (fault?.kind === "reset") {
      harm.connections += 1;
      client.resetAndDestroy();
      return;
    }
    const line = new Line(client, target, { fault: () => fault, mended: () => mended.promise, harm });
    lines.add(line);
    void line.ended.then(() => lines.delete(line));
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));

  return {
    port: (server.address() as AddressInfo).port,
    openConnections: () => [...lines].filter((line) => !line.isDead).length,
    harm: () => ({ ...harm }),
    setFault(next) {
      fault = next;
      if (next === undefined) {
        mended.resolve();
        mended = Promise.withResolvers();
        for (const line of lines) if (line.isDead) line.destroy();
      }
      if (next?.kind === "reset") for (const line of lines) line.reset();
      if (next?.kind === "half-open") for (const line of lines) line.die();
    },
    async close() {
      mended.resolve();
      for (const line of lines) line.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Weather {
  fault: () => LineFault | undefined;
  mended: () => Promise<void>;
  harm: LineHarm;
}

/** A client connection and its upstream connection. */
class Line {
  isDead = false;
  readonly ended: Promise<unknown>;
  readonly #client: Socket;
  readonly #weather: Weather;
  #server: Socket | undefined;

  constructor(client: Socket, target: () => number | undefined, weather: Weather) {
    this.#client = client;
    this.#weather = weather;
    client.on("error", () => undefined); // "close" follows
    client.pause();
    this.ended = this.#connect(target);
  }

  reset(): void {
    this.#weather.harm.connections += 1;
    this.#client.resetAndDestroy();
    this.#server?.resetAndDestroy();
  }

  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#weather.harm.connections += 1;
    // Data is read and discarded, so that no sender blocks.
    this.#client.resume();
    this.#server?.resume();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server?.destroy();
  }

  async #connect(target: () => number | undefined): Promise<void> {
    while (this.#weather.fault()?.kind === "silent") await this.#weather.mended();
    const port = target();
    if (port === undefined || this.#client.destroyed) {
      this.#client.resetAndDestroy();
      return;
    }
    const server = connect({ host: HOST, port, allowHalfOpen: true, noDelay: true });
    this.#server = server;
    this.#client.setNoDelay(true);
    const refused = new Promise<boolean>((resolve) => {
      server.once("connect", () => resolve(false));
      server.on("error", () => resolve(true));
    });
    if (await refused) {
      this.#client.resetAndDestroy();
      return;
    }
    this.#pump(this.#client, server);
    this.#pump(server, this.#client);
    this.#client.resume();
    await new Promise((resolve) => server.once("close", resolve));
  }

  #pump(from: Socket, to: Socket): void {
    let passed = Promise.resolve();
    let queuedBytes = 0;
    /** Forwards chunk by chunk, so that the order stays. */
    const inTurn = (pass: () => Promise<void>) => {
      passed = passed.then(pass);
    };
    from.on("data", (chunk: Buffer) => {
      if (this.isDead) {
        this.#weather.harm.lostBytes += chunk.length;
        return;
      }
      const arrivedAtMs = performance.now();
      queuedBytes += chunk.length;
      if (queuedBytes > QUEUE_BYTES_MAX) from.pause();
      inTurn(async () => {
        await this.#weatherPermitting(chunk.length, arrivedAtMs);
        queuedBytes -= chunk.length;
        if (this.isDead) this.#weather.harm.lostBytes += chunk.length;
        else if (to.writable && !to.write(chunk)) await drained(to);
        if (queuedBytes <= QUEUE_BYTES_MAX) from.resume();
      });
    });
    const passEnd = (end: () => void) =>
      inTurn(async () => {
        await this.#weatherPermitting(0, performance.now());
        if (!this.isDead) end();
      });
    from.once("end", () => passEnd(() => to.end()));
    from.once("close", () => passEnd(() => to.destroy()));
  }

  async #weatherPermitting(bytes: number, arrivedAtMs: number): Promise<void> {
    const { fault, mended, harm } = this.#weather;
    const now = fault();
    if (now === undefined || now.kind === "half-open" || now.kind === "reset") return;
    harm.delayedBytes += bytes;
    if (now.kind === "latency") await delay(Math.max(0, arrivedAtMs + now.ms - performance.now()));
    if (now.kind === "slow") await Promise.race([delay((bytes / now.bytesPerSecond) * 1_000), mended()]);
    while (fault()?.kind === "silent" && !this.isDead) await mended();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.once("drain", done);
    socket.once("close", done);
  });
}
