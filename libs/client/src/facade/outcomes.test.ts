import { expect, it } from "vitest";
import { createClock } from "../testing/clock.ts";
import { createDevice } from "../testing/device.ts";
import { createNetwork } from "../testing/network.ts";
import { createTestServer } from "../testing/server/test-server.ts";
import { collection } from "./create-client.ts";

const WORKSPACE = "w1";
const fail = (error: unknown) => {
  throw error;
};

/** A phone whose group of two writes was refused, because a laptop has changed one of the documents meanwhile. */
async function refuseGroup() {
  const clock = createClock();
  const server = createTestServer({ clock });
  const network = createNetwork({ clock, fetch: server.fetch });
  const collections = { notes: collection<{ text: string }>() };
  const common = { clock, server, network, collections, workspaces: { [WORKSPACE]: "writer" } } as const;
  const phone = createDevice({ ...common, name: "phone", seed: 1 });
  const laptop = createDevice({ ...common, name: "laptop", seed: 2 });
  const [mine, theirs] = [phone.start().workspace(WORKSPACE), laptop.start().workspace(WORKSPACE)];
  await theirs.collection("notes").create({ id: "a", text: "first" });
  await clock.advance(10_000);
  network.partition("phone");
  await theirs.collection("notes").update("a", { text: "theirs" });
  await mine.transaction(
    (tx) => {
      tx.notes.update("a", { text: "mine" });
      tx.notes.create({ id: "b", text: "mine" });
    },
    { onConflict: "report" },
  );
  await clock.advance(10_000);
  network.heal();
  await mine.collection("notes").get("a");
  const isRefused = () => mine.outcomes.get().some(({ acknowledged }) => !acknowledged);
  expect(await clock.runUntil(isRefused, 120_000)).toBe(true);
  const [outcome] = mine.outcomes.get();
  if (outcome === undefined) throw new Error("no outcome");
  return { clock, server, mine, phone, outcome, notes: mine.collection("notes") };
}

it("a refused group is written anew as a whole, once, on the documents as they are now", async () => {
  const { clock, server, mine, outcome, notes } = await refuseGroup();
  expect([outcome.code, outcome.operations.length]).toEqual(["conflict", 2]);
  expect((await notes.get("a"))?.status).toBe("failed");
  const both = await Promise.allSettled([mine.retry(outcome.id), mine.retry(outcome.id)]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  await expect(mine.retry(outcome.id)).rejects.toMatchObject({ code: "notFound" });
  expect((await notes.get("a"))?.status).toBe("modified");
  expect(mine.outcomes.get()).toMatchObject([{ id: outcome.id, acknowledged: true, retried: true }]);
  expect(await clock.runUntil(() => mine.status.get().pending === 0, 60_000)).toBe(true);
  const texts = server.documents(WORKSPACE).map(({ document_id: id, data }) => [id, data["text"]]);
  expect(texts).toEqual([
    ["a", "mine"],
    ["b", "mine"],
  ]);
});

it("an outcome stays retryable if the device dies before the retry is stored, and only then", async () => {
  const { clock, phone, outcome } = await refuseGroup();
  for (const when of ["before", "after"] as const) {
    phone.crashAt({ commit: 1, when });
    // The call of a process that dies never returns.
    phone.client.workspace(WORKSPACE).retry(outcome.id).catch(fail);
    await clock.advance(1_000);
    const again = phone.start().workspace(WORKSPACE);
    await phone.client.ready;
    await again.collection("notes").get("a");
    const [stored] = again.outcomes.get();
    const isRetried = stored?.retried === true;
    expect([when, isRetried, again.pending.get().length > 0]).toEqual([
      when,
      when === "after",
      when === "after",
    ]);
  }
});
