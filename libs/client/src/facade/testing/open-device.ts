import { memoryStorage } from "../../adapters/memory-storage.ts";
import { collection, createClient } from "../create-client.ts";
import type { Connectivity } from "../../ports/connectivity.ts";
import type { Random } from "../../ports/random.ts";
import type { Storage } from "../../ports/storage.ts";
import type { ClientOptions } from "../../public/options.ts";
import { ManualClock } from "./manual-clock.ts";
import type { ScriptedServer } from "./scripted-server.ts";

export interface Note {
  title: string;
  body?: string;
  tags?: string[];
  n?: number | null;
}

/** Randomness that is the same in each run. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() >>> 24),
    fraction: () => next() / 2 ** 32,
  };
}

export function jwt(claims: Record<string, unknown>): string {
  return `x.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.x`;
}

let devices = 0;

/** A client of a scripted server, with a clock in the test's hand. */
export function openDevice(
  server: ScriptedServer,
  given: Partial<ClientOptions<never>> & {
    clock?: ManualClock;
    storage?: Storage;
    connectivity?: Connectivity;
  } = {},
) {
  devices += 1;
  const clock = given.clock ?? new ManualClock();
  const storage = given.storage ?? memoryStorage();
  const client = createClient({
    url: "https://sync.example.com",
    account: "ann",
    token: () => Promise.resolve(jwt({ sub: "ann", workspaces: { w: "writer" } })),
    storage,
    collections: { notes: collection<Note>(), drafts: collection<Note>({ sync: "none" }) },
    transport: server.transport(),
    clock,
    random: seededRandom(devices),
    log: () => {},
    ...given,
  });
  const workspace = client.workspace("w");
  return { client, clock, storage, workspace, notes: workspace.collection("notes") };
}
