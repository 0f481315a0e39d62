import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { backoffMs, type DocumentBody, type OperationResult } from "@syncline/shared/protocol";
import { createDevice, type Attempt, type Device } from "../../support/device.ts";
import { createClient, type Answer, type Client } from "../../support/system.ts";
import type { ChaosSystem } from "../chaos-system.ts";
import { createRandom, type Random } from "../random.ts";
import { startFollower, type Follower } from "./follower.ts";
import type { History, SentBatch } from "./history.ts";
import {
  clientIdsOf,
  compareAnswer,
  compareReplay,
  CONTESTED,
  SHARED,
  Workload,
  type Asked,
  type Planned,
  type Story,
} from "./workload.ts";

/** Faster than a real client, so that a run of minutes covers hours. */
const BACKOFF = { backoffMsMin: 50, backoffMsMax: 3_000 };
const THINK_MS_MAX = 400;
/** Longer than a request may wait for its results. */
const TIMEOUT_MS = 45_000;
const GIVE_UP_MS = 300_000;
const SUBJECT = "alice";
/** The prefix of the operations that no device sent. */
export const FIRST = "first:";

export interface LoadOptions {
  seed: number;
  workspaces: number;
  devicesPerWorkspace: number;
}

/** A workspace, and its devices' own records. */
export interface LoadedWorkspace {
  workspaceId: string;
  client: Client;
  devices: { deviceId: string; workload: Workload }[];
  follower: Follower;
}

/** Devices that write, resend and read until they are stopped. */
export interface Load {
  workspaces: readonly LoadedWorkspace[];
  /** The numbers of batches sent again, documents read back, and conflicts decided or operations replayed. */
  counts: () => { resends: number; reads: number; stories: number };
  /** Waits for every device's final answers, and ends. The followers continue. */
  finish(): Promise<void>;
}

export async function startLoad(
  { syncline }: Pick<ChaosSystem, "syncline">,
  history: History,
  options: LoadOptions,
): Promise<Load> {
  const random = createRandom(options.seed);
  const counts = { resends: 0, reads: 0, stories: 0 };
  const stopping = new AbortController();

  async function openWorkspace(workspaceId: string, index: number): Promise<LoadedWorkspace> {
    const token = await syncline.token({ [workspaceId]: "admin" }, { subject: SUBJECT });
    const client = await createClient({ syncline }, { workspaceId, token, timeoutMs: TIMEOUT_MS });
    const { body } = await client.post({
      operations: [SHARED, CONTESTED].map((place) => ({
        operation: "create",
        client_id: `${FIRST}${place.collection}`,
        ...place,
        data: {},
      })),
    });
    const [sharedVersion = 0, contestedVersion = 0] = body.results.map(({ version }) => version);
    const devices = Array.from({ length: options.devicesPerWorkspace }, (_, n) => {
      const deviceId = `device_${n + 1}`;
      const workload = new Workload(deviceId, createRandom(random.below(2 ** 32)), {
        sharedVersion,
        contestedVersion,
      });
      return { deviceId, workload };
    });
    const { ingestUrls } = syncline;
    const how = index % 2 === 0 ? "events" : "pages";
    const follower = startFollower({ workspaceId, token, ingestUrls, how }, history);
    return { workspaceId, client, devices, follower };
  }

  async function runDevice(
    { workspaceId, client }: LoadedWorkspace,
    { deviceId, workload }: LoadedWorkspace["devices"][number],
    random: Random,
  ): Promise<void> {
    let current: SentBatch | undefined;
    const device = await createDevice(
      { syncline },
      {
        workspaceId,
        deviceId,
        subject: SUBJECT,
        giveUpMs: GIVE_UP_MS,
        timeoutMs: TIMEOUT_MS,
        pauseMs: (attempts, answer) => pauseMs(attempts, answer, random),
        onAttempt: (attempt: Attempt) => {
          if (current !== undefined) history.note(current, attempt);
        },
      },
    );

    async function send(asked: Planned | Asked): Promise<{ sent: SentBatch; results: OperationResult[] }> {
      const sent = history.begin({ workspaceId, deviceId: senderOf(asked), clientIds: clientIdsOf(asked) });
      current = sent;
      const { status, body } = await sendKindly(device, asked, random);
      history.end(sent, status, body.results);
      return { sent, results: body.results };
    }

    /** A decision has a subject of its own, without a device. */
    function senderOf(asked: Planned | Asked): string {
      if ("body" in asked) return asked.body.device_id;
      return "decision" in asked ? `subject:${SUBJECT}` : deviceId;
    }

    async function play(story: Story): Promise<void> {
      for (let step = story.next([]); step.done !== true;) {
        const { sent, results } = await send(step.value);
        const faults = compareAnswer(step.value, results);
        for (const fault of faults) history.violate("wrong", fault, sent);
        if (faults.length > 0) return;
        step = story.next(results);
      }
      counts.stories += 1;
    }

    while (!stopping.signal.aborted) {
      const settled = random.oneIn(12) ? workload.pickSettled() : undefined;
      if (settled !== undefined) {
        const { sent, results } = await send(settled.planned);
        for (const fault of compareReplay(settled.results, results)) history.violate("doubled", fault, sent);
        counts.resends += 1;
      } else if (random.oneIn(16)) {
        await play(workload.planStory());
      } else {
        const planned = workload.plan();
        const { sent, results } = await send(planned);
        for (const fault of workload.settle(planned, results)) history.violate("wrong", fault, sent);
      }
      if (random.oneIn(10)) await readBack(workspaceId, client, workload);
      await delay(random.below(THINK_MS_MAX));
    }
  }

  /** Reads a document back. No other client writes it, so it must equal the last 200, which means committed. */
  async function readBack(workspaceId: string, client: Client, workload: Workload): Promise<void> {
    const picked = workload.pickDocument();
    if (picked === undefined) return;
    const [key, own] = picked;
    const path = key.split("/").map(encodeURIComponent).join("/");
    const read = await client.get<DocumentBody>(`/documents/${path}`).catch(() => undefined);
    if (read === undefined || read.status >= 500) return; // a failed read proves no fault
    const found = read.status === 404 ? null : read.body.data;
    const version = Number(read.headers.get("etag")?.replaceAll('"', ""));
    if (version !== own.version || !isDeepStrictEqual(found, own.data)) {
      history.violate(
        version < own.version ? "lost" : "doubled",
        `${workspaceId} ${key} is version ${version} ${JSON.stringify(found)}, after an answer of ${own.version} ${JSON.stringify(own.data)}`,
      );
    }
    counts.reads += 1;
  }

  const workspaces = await Promise.all(
    Array.from({ length: options.workspaces }, (_, index) =>
      openWorkspace(`workspace_${options.seed}_${index + 1}`, index),
    ),
  );
  const running = workspaces.flatMap((workspace) =>
    workspace.devices.map((device) =>
      runDevice(workspace, device, createRandom(random.below(2 ** 32))).catch((error: unknown) => {
        history.violate("lost", `${workspace.workspaceId} ${device.deviceId} gave up: ${String(error)}`);
      }),
    ),
  );
  return {
    workspaces,
    counts: () => ({ ...counts }),
    async finish() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** Sends with a random wait: for the results, for a second, or not at all. */
async function sendKindly(device: Device, asked: Planned | Asked, random: Random): Promise<Answer> {
  const prefer = random.pick([undefined, undefined, "wait=1", "respond-async"]);
  const headers: Record<string, string> = prefer === undefined ? {} : { prefer };
  if ("body" in asked) return device.send({ ...asked.body }, headers);
  if ("decision" in asked) {
    return device.resolve(asked.conflictId, { ...asked.decision, client_id: asked.clientId }, headers);
  }
  const answer = await device.replay(asked.clientId, headers);
  // The operation was already replayed and only the answer was lost: resending the batch returns the replay's outcome.
  return answer.status === 409 ? device.send({ ...asked.replay }, headers) : answer;
}

function pauseMs(attempts: number, answer: Answer | undefined, random: Random): number {
  const retryAfter = Number(answer?.headers.get("retry-after") ?? 0);
  const jittered = backoffMs(attempts, BACKOFF, random.below(1_000) / 1_000);
  return retryAfter * 1_000 + jittered;
}
