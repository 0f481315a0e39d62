import { encodeBatch, laneOf, type AcceptedBatch, type OperationResult } from "@syncline/shared/protocol";
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { createDevice, type Device } from "../support/device.ts";
import { holdWorkspace } from "../support/hold-workspace.ts";
import { eventually, LANE_COUNT, type Answer, type System } from "../support/system.ts";
import type { Faults } from "./faults.ts";
import type { Story } from "./points.ts";

/** The workspace and lane of one run of the scenario; no concurrent run uses the lane. */
export interface Place {
  workspaceId: string;
  lane: number;
}

export function placeOn(lane: number): Place {
  for (;;) {
    const workspaceId = randomUUID();
    if (laneOf(workspaceId, LANE_COUNT) === lane) return { workspaceId, lane };
  }
}

/** The texts that mark the arguments of a place's steps. */
export function marksOf({ workspaceId, lane }: Place): string[] {
  return [workspaceId, `{syncline}:lane:${lane}\n`, `"lane":${lane},`, `"lane":${lane}}`];
}

/** Thrown if another run's fault struck this one, too, so that its story cannot continue. */
export class Interrupted extends Error {}

/** The result of a run, comparable between runs. */
export type Outcome = Record<
  "answers" | "lost" | "documents" | "changes" | "operations" | "conflicts" | "decisions",
  unknown[]
>;

interface Parts {
  system: System;
  faults: Faults;
}

/**
 * Plays a story whose faults leave no trace: its outcome is always the same.
 *
 * @param begin - called once the contested document exists
 * @throws {@link Interrupted}
 */
export async function playScenario(
  story: Story,
  { system, faults }: Parts,
  place: Place,
  begin: () => Promise<void> = async () => {},
): Promise<Outcome> {
  const { workspaceId } = place;
  const cast: Cast = {
    id: (name) => `${name} of ${workspaceId}`,
    ann: await createDevice(system, { workspaceId, deviceId: `ann of ${workspaceId}` }),
    ben: await createDevice(system, { workspaceId, deviceId: `ben of ${workspaceId}` }),
    cay: await createDevice(system, { workspaceId, deviceId: `cay of ${workspaceId}` }),
  };
  const list = create(cast, "list", { data: { title: "", text: "", items: [] } });
  await cast.ann.send({ operations: [list] });
  await begin();
  const answers = await play(story, { system, faults }, place, cast);
  await eventually(async () => {
    expect((await system.lanes.readWindow({ lane: place.lane }, 100_000)).entries).toEqual([]);
  });
  return {
    answers: answers.map(({ body }) => body.results.map(plain)),
    lost: [cast.ann, cast.ben, cast.cay].flatMap(({ lost }) => lost),
    ...(await readTables(system, place)),
  };
}

function play(story: Story, parts: Parts, place: Place, cast: Cast): Promise<Answer[]> {
  if (story === "refused") return playRefused(parts, place);
  if (story === "decided") return playDecided(parts, place, cast);
  if (story === "deferred") return playDeferred(parts, place, cast);
  return playQuarrel(parts, place, cast, story);
}

interface Cast {
  ann: Device;
  ben: Device;
  cay: Device;
  /** Names contain the workspace, so that faults can target them. */
  id: (name: string) => string;
}

const create = ({ id }: Cast, name: string, more: object = {}) => ({
  operation: "create",
  client_id: id(`create ${name}`),
  document_id: name,
  data: { name },
  ...more,
});

const update = ({ id }: Cast, name: string, more: object) => ({
  operation: "update",
  client_id: id(name),
  document_id: "list",
  expected_version: 1,
  ...more,
});

/**
 * A fold, a group, a conflict with a held operation, a merged group, a batch that is only accepted, and one that is
 * sent again.
 */
async function playQuarrel(
  parts: Parts,
  place: Place,
  cast: Cast,
  story: Exclude<Story, "refused" | "decided" | "deferred">,
): Promise<Answer[]> {
  const { ann, ben, cay } = cast;
  const edits = {
    operations: [
      ...[1, 2, 3].map((n) =>
        update(cast, `append ${n}`, { patch: [{ op: "add", path: "/items/-", value: n }] }),
      ),
      create(cast, "parent", { group: "family" }),
      create(cast, "child", { group: "family" }),
    ],
  };
  const quarrel = {
    operations: [
      update(cast, "title", { data: { title: "of Ben" } }),
      update(cast, "text", { data: { text: "of Ben" } }),
    ],
  };
  return [
    await ann.send(edits),
    ...(story === "plain"
      ? [await ben.send(quarrel)]
      : await goOnMeanwhile(parts, place, cast, quarrel, story)),
    await cay.send({
      atomic: true,
      on_conflict: "merge",
      operations: [update(cast, "note", { data: { note: "of Cay" } }), create(cast, "noted")],
    }),
    await ben.send({ operations: [create(cast, "other")] }),
    await ann.send({ operations: [create(cast, "late")] }, { prefer: "respond-async" }),
    await ann.send(edits),
  ];
}

/**
 * Lets the device send more during its conflict's merge; in a contended story another device's write precedes the
 * merge.
 */
async function goOnMeanwhile(
  { system, faults }: Parts,
  place: Place,
  cast: Cast,
  quarrel: Record<string, unknown>,
  story: "contended" | "outrun",
): Promise<Answer[]> {
  const { ann, ben, id } = cast;
  const merge = await faults.arm({
    service: "conflict",
    step: "appendResolution",
    when: "before",
    action: "hold",
    about: marksOf(place),
  });
  const first = ben.send(quarrel);
  const { pid } = await merge.hit;
  const second = ben.send({ operations: [update(cast, "more", { data: { more: "of Ben" } })] });
  await eventually(async () => {
    const sql = "SELECT 1 FROM operations WHERE workspace_id = $1 AND client_id = $2 AND status = 'pending'";
    expect((await system.pool.query(sql, [place.workspaceId, id("more")])).rowCount).toBe(1);
  });
  const write = { operations: [update(cast, "signed", { data: { by: "Ann" } })] };
  const between = story === "contended" ? [await ann.send(write)] : [];
  // A process that took over a killed one's merge had the whole run, and no device sent more meanwhile.
  const isAlive = () => system.syncline.conflicts.some((conflict) => conflict.pid === pid);
  const isHeld = isAlive();
  await merge.release();
  const answers = [await first, await second, ...between];
  // It may also have been killed just after its release; in an outrun story no fault of the story itself does that.
  if (!isHeld || (story === "outrun" && !isAlive()))
    throw new Interrupted("The process that held the merge was killed");
  return answers;
}

/** Sends two batches in one window, one of which holds a value that ingest would refuse: jsonb has no U+0000. */
async function playRefused({ system }: Parts, { workspaceId, lane }: Place): Promise<Answer[]> {
  const batchOf = (...names: string[]): AcceptedBatch => ({
    batchId: randomUUID(),
    workspaceId,
    deviceId: `cay of ${workspaceId}`,
    deviceDeclared: true,
    subject: "alice",
    requestId: "r",
    acceptedAtMs: Date.now(),
    replyTo: "nobody",
    atomic: false,
    operations: names.map((name, position) => ({
      clientId: `refused ${name} of ${workspaceId}`,
      position,
      kind: "create",
      collection: "documents",
      documentId: name,
      data: { text: name === "bad" ? "\u0000" : name },
      fingerprint: name,
    })),
  });
  // The sweep finds them.
  await Promise.all(
    [batchOf("good", "bad", "fine"), batchOf("next")].map((batch) =>
      system.lanes.appendBatch(lane, encodeBatch(batch), {}),
    ),
  );
  return [];
}

/**
 * A person decides a parked conflict, and decides it again without knowing the outcome; and has an operation replayed,
 * once its document exists. All devices poll the outcomes of their operations.
 */
async function playDecided({ system }: Parts, { workspaceId }: Place, cast: Cast): Promise<Answer[]> {
  const { ann, ben, cay, id } = cast;
  const quarrel = {
    on_conflict: "manual",
    operations: [update(cast, "title", { data: { title: "of Ben" } })],
  };
  const early = { operations: [update(cast, "early", { document_id: "late", data: { early: true } })] };
  const first = await ann.send({ operations: [update(cast, "signed", { data: { title: "of Ann" } })] });
  await ben.send(quarrel);
  const conflictId = await eventually(async () => {
    const sql = "SELECT conflict_id FROM conflicts WHERE workspace_id = $1 AND status = 'parked'";
    const { rows } = await system.pool.query<{ conflict_id: string }>(sql, [workspaceId]);
    expect(rows).toHaveLength(1);
    return rows[0]?.conflict_id ?? "";
  });
  const failed = await cay.send(early);
  const decision = { choice: "local", client_id: id("decide") };
  const decided = [await ann.resolve(conflictId, decision), await ann.resolve(conflictId, decision)];
  await cay.send({ operations: [create(cast, "late")] });
  // If the first answer was lost, the second one says that the replay is already done.
  await cay.replay(id("early"));
  return [first, failed, ...decided, await ben.send(quarrel), await cay.send(early)];
}

/** Holds the workspace in another transaction until it is deferred; a batch sent meanwhile is applied after it. */
async function playDeferred({ system }: Parts, { workspaceId, lane }: Place, cast: Cast): Promise<Answer[]> {
  const { ann, ben } = cast;
  const isDeferred = async () =>
    (await system.lanes.listDeferred([lane])).some((part) => part.workspaceId === workspaceId);
  const release = await holdWorkspace(system, workspaceId);
  const held = ann.send({ operations: [create(cast, "held")] });
  try {
    await eventually(async () => expect(await isDeferred()).toBe(true));
  } finally {
    await release();
  }
  const behind = ben.send({ operations: [create(cast, "behind")] });
  const answers = [await held, await behind];
  await eventually(async () => expect(await isDeferred()).toBe(false));
  return answers;
}

/** An operation's answer without the fields that differ between sends and between attempts of its merge. */
function plain({ replayed: _, conflict_id: __, rounds: ___, ...result }: OperationResult): unknown {
  return { ...result, client_id: result.client_id.split(" of ")[0] };
}

/** Reads the tables, without ids and times that differ between runs. */
export async function readTables(
  system: System,
  { workspaceId }: Place,
): Promise<Omit<Outcome, "answers" | "lost">> {
  const read = async (sql: string) => (await system.pool.query<object>(sql, [workspaceId])).rows;
  return {
    documents: await read(
      "SELECT document_id, version, deleted, data FROM documents WHERE workspace_id = $1 ORDER BY document_id",
    ),
    changes: await read(
      `SELECT seq, document_id, first_version, version, deleted, data, split_part(device_id, ' of ', 1) AS device
       FROM changes WHERE workspace_id = $1 ORDER BY seq`,
    ),
    operations: await read(
      `SELECT split_part(client_id, ' of ', 1) AS client, status, version, seq, merged, overlap_count, error_type
       FROM operations WHERE workspace_id = $1 ORDER BY 1`,
    ),
    conflicts: await read(
      `SELECT status, document_id, base_version, resolved_version, resolved_seq, overlap_list
       FROM conflicts WHERE workspace_id = $1 ORDER BY resolved_version`,
    ),
    decisions: await read(
      `SELECT choice, split_part(client_id, ' of ', 1) AS client, replaced_version, replaced, version
       FROM decisions WHERE workspace_id = $1 ORDER BY version`,
    ),
  };
}
