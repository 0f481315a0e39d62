import { createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Hello, Memory, Order } from "./inside/orders.ts";

/** Speaks to the preloads inside the services, each known by its process id. */
export interface Control {
  /** For the services: loads the preload, and says where the run listens. */
  env: Record<string, string>;
  /** Sets a process' clock so far ahead of ours, or back. */
  shiftClock(pid: number, shiftMs: number): void;
  /** Of those that live. */
  readMemory(pid: number): Promise<Memory>;
  close(): void;
}

export async function openControl(): Promise<Control> {
  const socketByPid = new Map<number, Socket>();
  const waitingByPid = new Map<number, (memory: Memory) => void>();

  const server = createServer((socket) => {
    let pid: number | undefined;
    socket.on("error", () => undefined); // it was killed
    socket.on("close", () => {
      if (pid !== undefined) socketByPid.delete(pid);
    });
    createInterface({ input: socket })
      .on("error", () => undefined) // the socket's, once more
      .on("line", (line) => {
        const word = JSON.parse(line) as Hello | Memory;
        if ("pid" in word) {
          pid = word.pid;
          socketByPid.set(pid, socket);
        } else if (pid !== undefined) {
          waitingByPid.get(pid)?.(word);
          waitingByPid.delete(pid);
        }
      });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  function tell(pid: number, order: Order): void {
    const socket = socketByPid.get(pid);
    if (socket === undefined) throw new Error(`Process ${pid} has no preload that listens.`);
    socket.write(`${JSON.stringify(order)}\n`);
  }

  return {
    env: {
      CHAOS_PORT: String((server.address() as AddressInfo).port),
      NODE_OPTIONS: `--import=${new URL("./inside/preload.ts", import.meta.url).href}`,
    },
    shiftClock: (pid, shiftMs) => tell(pid, { kind: "clock", shiftMs }),
    readMemory(pid) {
      const { promise, resolve } = Promise.withResolvers<Memory>();
      waitingByPid.set(pid, resolve);
      tell(pid, { kind: "memory" });
      return promise;
    },
    close() {
      for (const socket of socketByPid.values()) socket.destroy();
      server.close();
    },
  };
}
