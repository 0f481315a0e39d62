import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * What is wrong with a line:
 *
 * - `latency`: everything arrives so much later, each way.
 * - `slow`: so many bytes a second, each way and a connection.
 * - `silent`: nothing arrives until it is over, as with a cable pulled out; what is sent meanwhile arrives then. Whoever
 *   connects is taken, and hears nothing.
 * - `reset`: open connections are reset, and so is each new one.
 * - `half-open`: what is open now carries nothing any more, and neither side is told, as when a host or a firewall
 *   forgets; new connections work.
 */
export type LineFault =
  | { kind: "latency"; ms: number }
  | { kind: "slow"; bytesPerSecond: number }
  | { kind: "silent" }
  | { kind: "reset" }
  | { kind: "half-open" };

/** What a proxy has done to its lines since it was opened. */
export interface LineHarm {
  /** Bytes that arrived late, by latency, a slow line or silence. */
  delayedBytes: number;
  /** Bytes that never arrived. */
  lostBytes: number;
  /** Connections that were reset, or went dead. */
  connections: number;
}

/** Passes TCP connections on, well or badly. */
export interface TcpProxy {
  port: number;
  openConnections: () => number;
  harm: () => LineHarm;
  /** Lasts until the next call; `undefined` mends the line. */
  setFault(fault: LineFault | undefined): void;
  close(): Promise<void>;
}

/** What is under way in one direction at most; beyond it the sender is held up. */
const QUEUE_BYTES_MAX = 1024 * 1024;
const HOST = "127.0.0.1";

/** @param target - the port that a new connection goes to, on this machine; `undefined` refuses it */
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

/** One connection, and the one behind it. */
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
    // Whatever comes is taken and lost, so that nobody is held up by it.
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
    /** One after the other, so that nothing overtakes. */
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
