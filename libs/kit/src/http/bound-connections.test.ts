import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, it } from "vitest";
import { BoundConnections } from "./bound-connections.ts";

/** A connection with an address, which records that it was closed. */
class Connection extends EventEmitter {
  destroyed = false;
  readonly remoteAddress: string;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function open(connections: BoundConnections, address: string): Connection & Socket {
  const connection = new Connection(address) as Connection & Socket;
  connections.open(connection);
  return connection;
}

it("closes the longest idle connection of the network with the most idle ones, if a new one arrives at the limit", () => {
  const connections = new BoundConnections(4);
  const other = open(connections, "192.0.2.9");
  const [first, second, third] = [1, 2, 3].map(() => open(connections, "192.0.2.1"));
  connections.beginRequest(first!);
  const fresh = open(connections, "192.0.2.7");
  expect([other, first, second, third, fresh].map((one) => one?.destroyed)).toEqual([
    false,
    false,
    true,
    false,
    false,
  ]);
  connections.endRequest(first!);
  open(connections, "192.0.2.8");
  expect([first, third].map((one) => one?.destroyed)).toEqual([false, true]);
  expect(connections.size).toBe(4);
});

it("rejects a new connection while all others have a request in progress", () => {
  const connections = new BoundConnections(2);
  const [first, second] = [1, 2].map(() => open(connections, "192.0.2.1"));
  for (const one of [first, second, second]) connections.beginRequest(one!);
  connections.endRequest(second!);
  expect(open(connections, "192.0.2.7").destroyed).toBe(true);
  expect(connections.size).toBe(2);
  connections.endRequest(second!);
  expect(open(connections, "192.0.2.7").destroyed).toBe(false);
  expect([first?.destroyed, second?.destroyed]).toEqual([false, true]);
});

it("forgets a connection that its client closes", () => {
  const connections = new BoundConnections(2);
  const one = open(connections, "192.0.2.1");
  connections.beginRequest(one);
  one.destroy();
  connections.endRequest(one);
  expect(connections.size).toBe(0);
  const [second, third] = [open(connections, "192.0.2.1"), open(connections, "192.0.2.1")];
  expect([second.destroyed, third.destroyed]).toEqual([false, false]);
});
