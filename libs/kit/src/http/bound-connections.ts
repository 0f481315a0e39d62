import type { Socket } from "node:net";
import { networkOf } from "./client-address.ts";

/**
 * Limits the number of open connections. At the limit, a new connection closes an idle one: the longest idle of the
 * network that has the most idle connections. So a client that opens many connections loses its own.
 */
export class BoundConnections {
  readonly #connectionsMax: number;
  /** Connections without a request in progress, the longest idle first. */
  readonly #idleByNetwork = new Map<string, Set<Socket>>();
  readonly #networkBySocket = new Map<Socket, string>();
  readonly #requestsBySocket = new Map<Socket, number>();

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
  }

  get size(): number {
    return this.#networkBySocket.size;
  }

  open(socket: Socket): void {
    if (this.size >= this.#connectionsMax && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#networkBySocket.set(socket, networkOf(socket.remoteAddress));
    this.#setIdle(socket);
    socket.once("close", () => {
      this.#setBusy(socket);
      this.#networkBySocket.delete(socket);
      this.#requestsBySocket.delete(socket);
    });
  }

  /** Marks a connection as busy with a request. */
  beginRequest(socket: Socket): void {
    this.#requestsBySocket.set(socket, (this.#requestsBySocket.get(socket) ?? 0) + 1);
    this.#setBusy(socket);
  }

  endRequest(socket: Socket): void {
    const left = (this.#requestsBySocket.get(socket) ?? 0) - 1;
    if (!this.#networkBySocket.has(socket)) return;
    this.#requestsBySocket.set(socket, left);
    if (left === 0) this.#setIdle(socket);
  }

  #makeRoom(): boolean {
    let most: Set<Socket> | undefined;
    for (const idle of this.#idleByNetwork.values()) {
      if (idle.size > (most?.size ?? 0)) most = idle;
    }
    const [longest] = most ?? [];
    if (longest === undefined) return false;
    this.#setBusy(longest);
    this.#networkBySocket.delete(longest);
    longest.destroy();
    return true;
  }

  #setIdle(socket: Socket): void {
    const network = this.#networkBySocket.get(socket) ?? "";
    const idle = this.#idleByNetwork.get(network) ?? new Set();
    this.#idleByNetwork.set(network, idle.add(socket));
  }

  #setBusy(socket: Socket): void {
    const network = this.#networkBySocket.get(socket) ?? "";
    const idle = this.#idleByNetwork.get(network);
    idle?.delete(socket);
    if (idle?.size === 0) this.#idleByNetwork.delete(network);
  }
}
