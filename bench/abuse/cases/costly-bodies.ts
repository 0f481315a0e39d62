import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { quantilesOf } from "../../measure/quantiles.ts";
import { createRandom } from "../../workload/random.ts";
import type { AbuseClient, AbuseSystem } from "../abuse-system.ts";
import type { AbuseCase, Figure } from "../case.ts";

const BYTES_MAX = 10 * 1024 * 1024;
const VALUES_MAX = 490_000;
/** Bodies of one shape, a few of them sent at once. */
const SENT = 6;
const AT_ONCE = 3;
/** Generated shapes; their order is random unless a seed is given. */
const SEARCHED = 40;
const PING_MS = 5;

/** Repeats a piece of JSON until the body reaches its limit of bytes or values. */
function fill(piece: (n: number) => string, valuesOfPiece: number): string {
  const pieces: string[] = [];
  let bytes = 0;
  for (let n = 0; n * valuesOfPiece < VALUES_MAX && bytes < BYTES_MAX - 4_096; n++) {
    const next = piece(n);
    bytes += next.length + 1;
    pieces.push(next);
  }
  if (bytes >= BYTES_MAX - 4_096) pieces.pop();
  return pieces.join(",");
}

const nest = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const operationsOf = (...data: string[]) =>
  data
    .map(
      (one, n) => `{"operation":"put","client_id":"c${n}-${Date.now()}","document_id":"d${n}","data":${one}}`,
    )
    .join(",");
const object = (members: string) => `{${members}}`;
const array = (items: string) => `{"a":[${items}]}`;

/** JSON operations of a batch, each case as large as a body may be. */
const BODIES: Readonly<Record<string, () => string>> = {
  "240,000 keys of one object": () => operationsOf(object(fill((n) => `"k${n}":1`, 2))),
  "240,000 keys that look like indexes": () => operationsOf(object(fill((n) => `"${n * 7 + 1}":1`, 2))),
  "long keys": () => operationsOf(object(fill((n) => `"${"k".repeat(32)}${n}":1`, 2))),
  "a duplicate key behind 240,000 others": () =>
    operationsOf(object(`${fill((n) => `"k${n}":1`, 2)},"k0":1`)),
  "160,000 objects with an empty key": () => operationsOf(array(fill(() => '{"":0}', 3))),
  "160,000 objects, each with a key of its own": () => operationsOf(array(fill((n) => `{"k${n}":0}`, 3))),
  "480,000 empty objects": () => operationsOf(array(fill(() => "{}", 1))),
  "arrays of 60 levels": () => operationsOf(array(fill(() => nest(60), 60))),
  "400,000 numbers of 16 digits": () => operationsOf(array(fill(() => "1234567890123456", 1))),
  "400,000 numbers of 17 places": () => operationsOf(array(fill(() => "0.12345678901234567", 1))),
  "numbers that a double holds by chance, except the last": () =>
    operationsOf(array(`${fill(() => "0.1234567890123456", 1)},12345678901234567890`)),
  "a number of 9 MB": () => operationsOf(`{"a":${"1".repeat(9_000_000)}}`),
  "a text of 10 MB": () => operationsOf(`{"a":"${"x".repeat(BYTES_MAX - 4_096)}"}`),
  "a text of escapes": () => operationsOf(`{"a":"${"\\u0041".repeat(1_700_000)}"}`),
  "a text of two-byte characters": () => operationsOf(`{"a":"${"é".repeat(5_000_000)}"}`),
  "400,000 texts": () => operationsOf(array(fill((n) => `"text ${n}"`, 1))),
  "a patch whose path has a million steps": () =>
    `{"operation":"update","client_id":"c","document_id":"d","patch":[{"op":"add","path":"${"/a".repeat(4_000_000)}","value":1}]}`,
  "100 operations of 100 KB": () =>
    operationsOf(...Array.from({ length: 100 }, () => array(fill((n) => `{"id":"${n}","v":1}`, 500)))),
};

interface Sent {
  statuses: Map<string, number>;
  healthMs: number[];
}

/** Measures the longest block of ingest's thread by costly bodies: the slowest `/healthz`. */
export const COSTLY_BODIES: readonly AbuseCase[] = [
  {
    name: "bodies that are slow to parse",
    async run(system): Promise<Figure[]> {
      const attacker = await system.createClient();
      const figures: Figure[] = [];
      for (const [name, operations] of Object.entries(BODIES)) {
        figures.push(...figuresOf(name, await send(system, attacker, operations())));
      }
      return figures;
    },
  },
  {
    name: "generated bodies",
    async run(system): Promise<Figure[]> {
      const attacker = await system.createClient();
      const seed = Date.now() % 1_000_000;
      const random = createRandom(seed);
      let slowest: Figure[] = [];
      for (let n = 0; n < SEARCHED; n++) {
        const { name, operations } = madeUp(random);
        const figures = figuresOf(`${name} (seed ${seed}, ${n})`, await send(system, attacker, operations));
        if ((figures[0]?.value ?? 0) > (slowest[0]?.value ?? -1)) slowest = figures;
      }
      return slowest;
    },
  },
];

/** Generates a body of repeated pieces, each with a few nested ones. */
function madeUp(random: () => number): { name: string; operations: string } {
  const pick = <T>(options: readonly T[]): T => options[Math.floor(random() * options.length)] as T;
  const scalar = pick([
    "0",
    "-1.5e-7",
    "1234567890123456",
    "0.30000000000000004",
    '""',
    '"a"',
    '"\\u00e9"',
    "null",
    "1e21",
  ]);
  const key = pick([
    (n: number) => `k${n}`,
    (n: number) => String(n),
    () => "",
    (n: number) => `\\u006b${n}`,
  ]);
  const levels = Math.floor(random() * 20);
  const isObject = random() < 0.5;
  const piece = (n: number) => {
    const inner = "[".repeat(levels) + scalar + "]".repeat(levels);
    return isObject ? `{"${key(n)}":${inner}}` : inner;
  };
  const values = levels + (isObject ? 3 : 1);
  const wide = random() < 0.3;
  const documents = pick([1, 10, 100]);
  const content = () =>
    wide ? object(fill((n) => `"${n}-${key(n)}":${piece(n)}`, values + 1)) : array(fill(piece, values));
  const name = `${documents} × ${wide ? "keys" : "items"} ${piece(1)}`;
  // One document holds all the content, or many share it equally.
  return { name, operations: documents === 1 ? operationsOf(content()) : parts(content(), documents) };
}

function parts(content: string, documents: number): string {
  const text = JSON.stringify(content.slice(0, Math.floor((BYTES_MAX - 100_000) / documents / 2)));
  return operationsOf(...Array.from({ length: documents }, () => `{"text":${text}}`));
}

async function send(system: AbuseSystem, attacker: AbuseClient, operations: string): Promise<Sent> {
  const { ingestUrl } = system.syncline;
  const body = gzipSync(
    `{"workspace_id":"${attacker.workspaceId}","device_id":"d","operations":[${operations}]}`,
    {
      level: 1,
    },
  );
  const statuses = new Map<string, number>();
  const healthMs: number[] = [];
  const left = { sending: SENT };
  const sendSome = async () => {
    for (let n = 0; n < SENT / AT_ONCE; n++) {
      const answer = await fetch(`${ingestUrl}/api/v1/documents/batch`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${attacker.token}`,
          "content-type": "application/json",
          "content-encoding": "gzip",
          prefer: "respond-async",
        },
        body,
      });
      await answer.arrayBuffer();
      statuses.set(String(answer.status), (statuses.get(String(answer.status)) ?? 0) + 1);
      left.sending--;
    }
  };
  const ping = async () => {
    while (left.sending > 0) {
      const beganAtMs = performance.now();
      await (await fetch(`${ingestUrl}/healthz`)).arrayBuffer();
      healthMs.push(performance.now() - beganAtMs);
      await delay(PING_MS);
    }
  };
  await Promise.all([ping(), ...Array.from({ length: AT_ONCE }, sendSome)]);
  return { statuses, healthMs };
}

function figuresOf(name: string, { statuses, healthMs }: Sent): Figure[] {
  const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  return [
    {
      what: `slowest /healthz beside ${name} (${answers})`,
      value: quantilesOf(healthMs).max,
      unit: "ms",
      bar: { atMost: 250 },
    },
  ];
}
