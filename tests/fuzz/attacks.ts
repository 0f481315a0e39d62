import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";

/** The target of an attack. */
export interface AttackTarget {
  url: string;
  token: string;
  workspaceId: string;
  /** Ingest's configured request timeout. */
  requestTimeoutMs: number;
}

/** Input that no client sends by mistake. `run` throws if the server does not fend it off. */
export interface Attack {
  name: string;
  run: (target: AttackTarget) => Promise<void>;
}

const BATCH_PATH = "/api/v1/documents/batch";
const MIB = 1024 * 1024;
/** Far more than any of them takes, even on a busy machine. */
const ANSWER_MS_MAX = 20_000;

const authorization = ({ token }: AttackTarget) => `Authorization: Bearer ${token}\r\n`;
const head = (target: AttackTarget, line: string, more = "") =>
  `${line} HTTP/1.1\r\nHost: syncline\r\n${authorization(target)}${more}`;

/** Sends bytes over a new connection, and reads until the server ends it or the answer is complete. */
async function converse(
  target: AttackTarget,
  send: (write: (data: string | Buffer) => void, isOpen: () => boolean) => Promise<void> | void,
  timeoutMs = ANSWER_MS_MAX,
): Promise<string> {
  const { hostname, port } = new URL(target.url);
  const socket = connect(Number(port), hostname);
  let received = "";
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
  socket.on("error", () => undefined); // a reset is an answer, too
  await once(socket, "connect");
  const isOpen = () => !socket.destroyed && socket.writable;
  await send((data) => isOpen() && socket.write(data), isOpen);
  const timer = new AbortController();
  await Promise.race([
    closed,
    delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined),
    waitForAnswer(),
  ]);
  timer.abort();
  const wasOpen = !socket.destroyed;
  socket.destroy();
  if (received === "" && wasOpen) throw new Error(`no answer in ${timeoutMs} ms`);
  return received;

  async function waitForAnswer(): Promise<void> {
    while (isOpen() && !/\r\n\r\n/.test(received)) await delay(10);
    await delay(50);
  }
}

function expectStatus(answer: string, ...allowed: number[]): void {
  // A connection reset without an answer counts as fended off.
  if (answer === "") return;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
  if (!allowed.includes(status)) throw new Error(`answered ${answer.slice(0, 200)}`);
}

async function postBody(
  target: AttackTarget,
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<number> {
  const response = await fetch(target.url + BATCH_PATH, {
    method: "POST",
    headers: { authorization: `Bearer ${target.token}`, "content-type": "application/json", ...headers },
    body: new Blob([Uint8Array.from(body)]),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  await response.text();
  return response.status;
}

function batchOf(target: AttackTarget, data: string): Buffer {
  const { workspaceId } = target;
  return Buffer.from(
    `{"workspace_id":${JSON.stringify(workspaceId)},"operations":[{"operation":"put","client_id":"attack-${Math.random()}","document_id":"attacked","data":${data}}]}`,
  );
}

async function expectPost(
  target: AttackTarget,
  body: Buffer,
  allowed: number[],
  headers?: Record<string, string>,
): Promise<void> {
  const status = await postBody(target, body, headers);
  if (!allowed.includes(status)) throw new Error(`answered ${status}`);
}

/** Every value is a key of one object, and all of them collide in a hash table without a random seed. */
function collidingKeys(count: number): string {
  const keys = Array.from({ length: count }, (_, n) => `"${(n + 1) * 2 ** 16}":1`);
  return `{${keys.join(",")}}`;
}

const zeros = Buffer.alloc(200 * MIB);
const bomb = (compress: (bytes: Buffer) => Buffer) => compress(zeros);
const quickly = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/** Attacks that wait for a timeout; they can run concurrently. */
export const SLOW_ATTACKS: Attack[] = [
  {
    name: "a body that never arrives",
    run: async (target) => {
      const startedAtMs = Date.now();
      const answer = await converse(target, (write) =>
        write(
          head(
            target,
            `POST ${BATCH_PATH}`,
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
          ),
        ),
      );
      expectStatus(answer, 408);
      if (Date.now() - startedAtMs < target.requestTimeoutMs / 2)
        throw new Error("the server ended the request too early");
    },
  },
  {
    name: "a body that arrives byte by byte",
    run: async (target) => {
      const answer = await converse(target, async (write, isOpen) => {
        write(
          head(
            target,
            `POST ${BATCH_PATH}`,
            "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
          ),
        );
        const giveUpAtMs = Date.now() + target.requestTimeoutMs + 10_000;
        while (isOpen() && Date.now() < giveUpAtMs) {
          write(" ");
          await delay(100);
        }
        if (isOpen()) throw new Error("the server would wait indefinitely");
      });
      expectStatus(answer, 408);
    },
  },
  {
    name: "headers that arrive byte by byte",
    run: async (target) => {
      const answer = await converse(target, async (write, isOpen) => {
        write("GET /healthz HTTP/1.1\r\nX-Slow: ");
        const giveUpAtMs = Date.now() + target.requestTimeoutMs + 10_000;
        while (isOpen() && Date.now() < giveUpAtMs) {
          write("a");
          await delay(100);
        }
        if (isOpen()) throw new Error("the server would wait indefinitely");
      });
      expectStatus(answer, 408);
    },
  },
];

/** The other attacks, one after the other. */
export const ATTACKS: Attack[] = [
  {
    name: "a flood of headers",
    run: async (target) => {
      const many = Array.from({ length: 5_000 }, (_, n) => `X-${n}: ${n}\r\n`).join("");
      expectStatus(
        await converse(target, (write) => write(head(target, "GET /api/v1/x", `${many}\r\n`))),
        431,
      );
      const long = `X-Long: ${"a".repeat(200_000)}\r\n`;
      expectStatus(
        await converse(target, (write) => write(head(target, "GET /api/v1/x", `${long}\r\n`))),
        431,
      );
      const few = Array.from({ length: 500 }, (_, n) => `X: ${n}\r\n`).join("");
      expectStatus(
        await converse(target, (write) => write(head(target, "GET /api/v1/x", `${few}\r\n`))),
        404,
      );
    },
  },
  {
    name: "an address of 100 kB",
    run: async (target) => {
      const answer = await converse(target, (write) =>
        write(head(target, `GET /${"a".repeat(100_000)}`, "\r\n")),
      );
      expectStatus(answer, 431, 414);
    },
  },
  {
    name: "two lengths, or a length and chunks",
    run: async (target) => {
      const post = (more: string) =>
        converse(target, (write) =>
          write(
            head(
              target,
              `POST ${BATCH_PATH}`,
              `Content-Type: application/json\r\n${more}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
            ),
          ),
        );
      for (const more of [
        "Content-Length: 5\r\nContent-Length: 50\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x10\r\n",
      ]) {
        const answer = await post(more);
        expectStatus(answer, 400, 501);
        if (answer.includes("smuggled")) throw new Error("a second request was accepted");
      }
    },
  },
  {
    name: "input that is not HTTP",
    run: async (target) => {
      for (const line of [
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u0000\u0000\u0000\r\n\r\n",
        "G\u0000T / HTTP/1.1\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \u0001\u0000\r\n\r\n",
        "GET / HTTP/1.1\r\n X: folded\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
        `POST ${BATCH_PATH} HTTP/1.1\r\nHost: a\r\n${authorization(target)}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n`,
        `POST ${BATCH_PATH} HTTP/1.1\r\nHost: a\r\n${authorization(target)}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}\r\n`,
      ]) {
        const answer = await converse(target, (write) => write(Buffer.from(line, "latin1")));
        expectStatus(answer, 400);
      }
    },
  },
  {
    name: "a client that disconnects in the middle of its body",
    run: async (target) => {
      for (let n = 0; n < 20; n++) {
        const { hostname, port } = new URL(target.url);
        const socket = connect(Number(port), hostname);
        socket.on("error", () => undefined);
        await once(socket, "connect");
        socket.write(
          head(
            target,
            `POST ${BATCH_PATH}`,
            'Content-Type: application/json\r\nContent-Length: 10000\r\n\r\n{"a":',
          ),
        );
        await delay(5);
        socket.resetAndDestroy();
      }
    },
  },
  {
    name: "200 MiB of zeros, compressed to a little",
    run: async (target) => {
      for (const [name, body] of [
        ["gzip", bomb(gzipSync)],
        ["deflate", bomb(deflateSync)],
        ["br", bomb((bytes) => brotliCompressSync(bytes, quickly))],
        ["gzip", gzipSync(bomb(gzipSync))],
      ] as const) {
        await expectPost(target, body, [400, 413], { "content-encoding": name });
      }
    },
  },
  {
    name: "more than 10 MiB",
    run: (target) => expectPost(target, Buffer.alloc(11 * MIB, " "), [413]),
  },
  {
    name: "endless nesting",
    run: async (target) => {
      await expectPost(target, Buffer.from("[".repeat(10 * MIB)), [413]);
      await expectPost(target, Buffer.from("[".repeat(5_000_000) + "]".repeat(5_000_000)), [413]);
      await expectPost(
        target,
        batchOf(target, `${'{"a":'.repeat(1_000_000)}1${"}".repeat(1_000_000)}`),
        [413],
      );
      await expectPost(target, batchOf(target, `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`), [422]);
      await expectPost(
        target,
        batchOf(target, `{"n":${"[".repeat(100_000)}12345678901234567890${"]".repeat(100_000)}}`),
        [422],
      );
    },
  },
  {
    name: "countless values",
    run: async (target) => {
      for (const [value, count] of [
        ["1,", 5_000_000],
        ["{},", 3_000_000],
        ['"a",', 2_400_000],
      ] as const) {
        await expectPost(target, batchOf(target, `{"a":[${value.repeat(count)}1.00000000000000000]}`), [413]);
      }
      await expectPost(
        target,
        batchOf(target, `{"a":[${"1,".repeat(490_000)}1.00000000000000000]}`),
        [200, 202],
      );
    },
  },
  {
    name: "numbers of a megabyte",
    run: async (target) => {
      await expectPost(target, batchOf(target, `{"n":${"1".repeat(2 * MIB)}}`), [422]);
      await expectPost(target, batchOf(target, `{"n":0.${"0".repeat(2 * MIB)}1}`), [422]);
      await expectPost(target, batchOf(target, `{"n":1e${"9".repeat(2 * MIB)}}`), [422]);
      await expectPost(target, batchOf(target, `{"n":1${"0".repeat(2 * MIB)}e-${2 * MIB}}`), [200, 202]);
    },
  },
  {
    name: "colliding keys, countless keys, and one of megabytes",
    run: async (target) => {
      await expectPost(target, batchOf(target, collidingKeys(100_000)), [200, 202]);
      const many = Array.from({ length: 240_000 }, (_, n) => `"k${n}":${n}`).join(",");
      await expectPost(target, batchOf(target, `{${many}}`), [200, 202]);
      await expectPost(target, batchOf(target, `{${many},"k0":1}`), [422]);
      await expectPost(target, batchOf(target, `{"${"k".repeat(8 * MIB)}":1}`), [200, 202]);
    },
  },
  {
    name: "a patch that grows",
    run: async (target) => {
      const steps = Array.from({ length: 1_000 }, () => '{"op":"copy","from":"","path":"/a"}').join(",");
      const body = batchOf(target, "{}")
        .toString()
        .replace('"data":{}', `"patch":[${steps}]`)
        .replace('"put"', '"update"');
      await expectPost(target, Buffer.from(body), [200, 202]);
    },
  },
];
