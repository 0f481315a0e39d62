import { collection } from "../../facade/create-client.ts";
import { converge } from "../converge.ts";
import { createClock } from "../clock.ts";
import { createDevice } from "../device.ts";
import { createNetwork } from "../network.ts";
import { createRandom } from "../random.ts";
import { createTestServer } from "../server/test-server.ts";

const WORKSPACE = "w1";
const COLLECTIONS = { notes: collection<{ text: string; other?: string }>({ onConflict: "manual" }) };

/** The result of one try. */
export interface LaunderingReport {
  /** Texts of others that were overwritten although their writer's user had not seen them, without a conflict record. */
  overwrites: string[];
  /** The number of edits that met another one, and were left to a person. */
  parked: number;
}

/**
 * Lets a device edit what its user saw, pull what others wrote meanwhile, and only then push. Under `manual` each such edit
 * must be left to a person: an edit that claimed the pulled version would overwrite it unseen.
 */
export async function pullBeforePush(seed: number): Promise<LaunderingReport> {
  const random = createRandom(seed);
  const clock = createClock();
  const server = createTestServer({ clock, seed });
  const network = createNetwork({ clock, fetch: server.fetch, seed });
  const [late, other] = ["late", "other"].map((name, at) =>
    createDevice({
      name,
      clock,
      network,
      server,
      collections: COLLECTIONS,
      workspaces: { [WORKSPACE]: "writer" },
      seed: seed * 2 + at,
    }),
  );
  if (late === undefined || other === undefined) throw new Error("There are two devices");
  const devices = [late, other];
  const rest = () => converge({ devices, workspaceId: WORKSPACE, server, clock });
  for (const device of devices) device.start();
  const notesOf = (device: typeof late) => device.client.workspace(WORKSPACE).collection("notes");

  await notesOf(other).create({ id: "n", text: "first" });
  if (!(await rest())) throw new Error("The first document did not reach every device");
  // The late device's batches are lost until it has pulled, maybe again and again.
  network.script(({ device, method }) =>
    device === "late" && method === "POST"
      ? { kind: random.chance(0.5) ? "lose-request" : "silence" }
      : undefined,
  );
  await notesOf(late).update("n", { text: `mine-${seed}` });
  await clock.advance(random.below(5_000));
  const theirs = `theirs-${seed}`;
  await notesOf(other).update("n", { text: theirs });
  await clock.advance(random.below(30_000));
  if (random.chance(0.5)) {
    late.crash();
    late.start();
  }
  // Edits after the pull were made on what was pulled; they must not lend their version to the first one.
  for (let edit = random.below(3); edit > 0; edit--) {
    await notesOf(late).update("n", { other: `mine-${seed}-${edit}` });
    await clock.advance(random.below(5_000));
  }
  await clock.advance(60_000);
  network.script(undefined);
  await clock.runUntil(
    () => server.isIdle && late.client.status.get().pending === late.client.status.get().parked,
    3_600_000,
  );

  const records = server.conflicts(WORKSPACE);
  const changes = server.changes(WORKSPACE);
  const isOverwritten = changes.some(({ data }, at) => {
    const previous = changes[at - 1]?.data?.["text"];
    return previous === theirs && data?.["text"] !== theirs;
  });
  return {
    overwrites: isOverwritten && records.length === 0 ? [theirs] : [],
    parked: records.filter(({ status }) => status === "parked").length,
  };
}
