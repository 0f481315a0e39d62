import { connect, Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { slotOf } from "./shard-tags.ts";
import { AbstractConnector, Redis } from "ioredis";
import type { NodeFinder } from "./connect.ts";

/** The address of a cluster node. */
interface Node {
  host: string;
  port: number;
}

/** Finds nodes of a Redis Cluster for new connections. */
export interface ClusterNodes {
  /** Connects to the current master of a tag's slot, at each new connection. */
  toMasterOf(tag: string): NodeFinder;
  /** Connects to any node. */
  toAny(): NodeFinder;
}

/** The time limit for asking a node for the others; a slower node is skipped. */
const ASK_TIMEOUT_MS = 1_000;
/** The time that an ended connection may take to close, as in ioredis' own connectors. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Finds the nodes of a cluster. A shard lies in one slot, so a plain connection to its master is enough and keeps its
 * order, timeouts and `WAIT`. Only the address is special: it is looked up for each new connection.
 *
 * @param urls - nodes to begin with; user, password and TLS of the first one apply to all nodes
 */
export function findNodes(urls: readonly string[]): ClusterNodes {
  const seeds = urls.map((url): Node => {
    const { hostname, port } = new URL(url);
    return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
  });
  let known = seeds;
  let asking: Promise<SlotRange[]> | undefined;

  /** Asks the nodes one after the other, the most recently known first, for the slot ranges. */
  async function askOn(): Promise<SlotRange[]> {
    const reasons: unknown[] = [];
    for (const node of [...shuffled(known), ...seeds]) {
      try {
        const ranges = await askNode(node, urls[0] ?? "");
        if (ranges.length > 0) known = ranges.flatMap(({ nodes }) => nodes);
        return ranges;
      } catch (error) {
        reasons.push(error);
      }
    }
    throw new AggregateError(reasons, "no node of the Redis Cluster answers", { cause: reasons.at(-1) });
  }

  /** Concurrent callers share one request. */
  function ask(): Promise<SlotRange[]> {
    asking ??= askOn().finally(() => (asking = undefined));
    return asking;
  }

  return {
    toMasterOf(tag) {
      const slot = slotOf(tag);
      const find = async () => {
        const range = (await ask()).find(({ from, to }) => from <= slot && slot <= to);
        if (range?.nodes[0] === undefined) throw new Error(`no node of the Redis Cluster holds slot ${slot}`);
        return range.nodes[0];
      };
      const { Connector, lookAgain } = connectorTo(find, (role) => role === "master");
      return {
        Connector,
        reconnectOnError(error) {
          // The slot has moved, possibly while the command was blocked. It was not executed, so ioredis sends it again
          // if it may.
          if (/^(MOVED|READONLY|UNBLOCKED)\b/.test(error.message)) return 2;
          // The node accepts no writes: it lost contact with the others, or a master is being replaced.
          if (/^CLUSTERDOWN\b/.test(error.message)) lookAgain();
          return false;
        },
      };
    },
    toAny() {
      const find = async () => {
        const [range] = shuffled(await ask());
        const [node] = shuffled(range?.nodes ?? []);
        if (node === undefined) throw new Error("no node of the Redis Cluster holds any slot");
        return node;
      };
      return { Connector: connectorTo(find, () => true).Connector };
    },
  };
}

/** A range of slots and its nodes, the master first. */
interface SlotRange {
  from: number;
  to: number;
  nodes: Node[];
}

async function askNode(node: Node, url: string): Promise<SlotRange[]> {
  const there = new URL(url);
  there.hostname = node.host.includes(":") ? `[${node.host}]` : node.host;
  there.port = String(node.port);
  const redis = new Redis(there.href, {
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: ASK_TIMEOUT_MS,
    commandTimeout: ASK_TIMEOUT_MS,
  });
  redis.on("error", () => undefined); // the call below rejects with the same error
  try {
    await redis.connect();
    return (await redis.cluster("SLOTS")).map(([from, to, ...nodes]) => ({
      from,
      to,
      // A node that does not know its own host name is at the address that was asked.
      nodes: nodes.map(([host, port]) => ({ host: host || node.host, port })),
    }));
  } finally {
    redis.disconnect();
  }
}

interface FoundConnector {
  Connector: NonNullable<NodeFinder["Connector"]>;
  /** Ends connections to nodes that are no longer the right ones. */
  lookAgain: () => void;
}

/** Creates a connector that finds its node at each connection, and leaves a node of the wrong role. */
function connectorTo(find: () => Promise<Node>, isRightRole: (role: string) => boolean): FoundConnector {
  const open = new Map<Socket, Node>();

  class Connector extends AbstractConnector {
    readonly #tls: ConnectionOptions | boolean | undefined;

    constructor(options: unknown) {
      super(CLOSE_TIMEOUT_MS);
      this.#tls = (options as { tls?: ConnectionOptions | boolean }).tls;
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      try {
        const node = await find();
        if (this.connecting) this.stream = this.#connectTo(node);
      } catch (error) {
        // A rejection would end the connection for good; ioredis retries after a stream that is already closed.
        this.firstError = error instanceof Error ? error : new Error(String(error));
        this.stream = new Socket().destroy();
      }
      if (!this.connecting) throw new Error("Connection is closed.");
      return this.stream;
    }

    #connectTo(node: Node): Socket {
      const tls = typeof this.#tls === "object" ? this.#tls : {};
      const socket = this.#tls ? connectTls({ ...node, ...tls }) : connect(node);
      open.set(socket, node);
      socket.once("error", (error) => (this.firstError = error));
      socket.once("close", () => open.delete(socket));
      return socket;
    }

    /** Every pending command may find that the node is the wrong one; the node is left only once. */
    override disconnect() {
      const isOpen = this.stream !== undefined && !this.stream.writableEnded && !this.stream.destroyed;
      if (isOpen) super.disconnect();
      else this.connecting = false;
    }

    override check(info: { role?: string }) {
      return info.role === undefined || isRightRole(info.role);
    }
  }

  async function leaveWrongNodes(): Promise<void> {
    const { host, port } = await find();
    for (const [socket, node] of open) if (node.host !== host || node.port !== port) socket.destroy();
  }

  // If the lookup fails, the next error triggers another one.
  return { Connector, lookAgain: () => void leaveWrongNodes().catch(() => undefined) };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}
