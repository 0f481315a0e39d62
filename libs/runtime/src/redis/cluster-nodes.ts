import { connect, Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { slotOf } from "@syncline/shared";
import { AbstractConnector, Redis } from "ioredis";
import type { NodeFinder } from "./connect.ts";

/** Where a node of a cluster answers. */
interface Node {
  host: string;
  port: number;
}

/** The nodes of a Redis Cluster, as far as one needs to know them to connect to the right one. */
export interface ClusterNodes {
  /** For a connection to whichever node is master of a tag's slot, whenever it connects anew. */
  toMasterOf(tag: string): NodeFinder;
  /** For a connection to any node. */
  toAny(): NodeFinder;
}

/** How a node is asked for the others: one that does not answer soon is passed by. */
const ASK_TIMEOUT_MS = 1_000;
/** As ioredis' own connectors: how long a connection that was ended may take to close. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Finds the nodes of a cluster. A shard lies in one slot, so a connection to its master is all that it needs: a plain one,
 * with its order, its timeouts and `WAIT`. What is special is only where it connects to, which is asked for each time.
 *
 * @param urls - nodes to begin with; user, password and TLS are the first one's, for all of them
 */
export function findNodes(urls: readonly string[]): ClusterNodes {
  const seeds = urls.map((url): Node => {
    const { hostname, port } = new URL(url);
    return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
  });
  let known = seeds;
  let asking: Promise<SlotRange[]> | undefined;

  /** Asks one node after the other, those heard of last first, for who holds which slots. */
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

  /** Connections that look at the same time look together. */
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
          // The slot has moved, or did while the command waited: it was not carried out, and is sent again if it may wait.
          if (/^(MOVED|READONLY|UNBLOCKED)\b/.test(error.message)) return 2;
          // Nobody may write here now: a node that lost sight of the others, or all of them while one is being replaced.
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

/** Slots, and who has them: the master first. */
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
  redis.on("error", () => undefined); // the same comes out of the call
  try {
    await redis.connect();
    return (await redis.cluster("SLOTS")).map(([from, to, ...nodes]) => ({
      from,
      to,
      // One that does not know its own name is where it was asked.
      nodes: nodes.map(([host, port]) => ({ host: host || node.host, port })),
    }));
  } finally {
    redis.disconnect();
  }
}

interface FoundConnector {
  Connector: NonNullable<NodeFinder["Connector"]>;
  /** Ends connections to what is not the right node any more. */
  lookAgain: () => void;
}

/** Connects to the node that is found, each time anew; one of the wrong role is left again. */
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
        // A rejection would be the connection's end for good; one that is closed already is tried again.
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

    /** Every command that was on its way may find the node to be the wrong one; it is left once. */
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

  // Where nobody knows, it is asked again with the next error.
  return { Connector, lookAgain: () => void leaveWrongNodes().catch(() => undefined) };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}
