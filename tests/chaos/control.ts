import { createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Hello, Memory, Order } from "./inside/orders.ts";

/** Controls the preloads inside the services by process id. */
export interface Control {
  /** The services' environment: loads the preload, with the run's address. */
  env: Record<string, string>;
  /** Sets a process's clock ahead of ours by this much; 0 resets it. */
  shiftClock(pid: number, shiftMs: number): void;
  /** Reads the memory of a running process. */
  readMemory(pid: number): Promise<Memory>;
  close(): void;
}

export async function openControl(): Promise<Control> {
  const socketByPid = new Map<number, Socket>();
  const waitingByPid = new Map<number, (memory: Memory) => void>();

  const server = createServer((socket) => {
    let pid: number | undefined;
    socket.on("error", () => undefined); // the process was killed
    socket.on("close", () => {
      if (pid !== undefined) socketByPid.delete(pid);
    });
    createInterface({ input: socket })
      .on("error", () => undefined) // repeats the socket's error
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
    if (socket === undefined) throw new Error(`Process ${pid} has no connected preload`);
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
