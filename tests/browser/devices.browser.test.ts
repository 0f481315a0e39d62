import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import { eventually, startSystem, type System } from "../support/system.ts";
import { openTcpProxy } from "../chaos/tcp-proxy.ts";
import { converged, createWorld, loadApp, openApp, openDevice, type World } from "./support/app.ts";
import { launchChromium, launchKillableChromium } from "./support/chromium.ts";
import { serveSite, type Site } from "./support/site.ts";

let site: Site;
let system: System;
let browser: Browser;
let world: World;
beforeAll(async () => {
  site = await serveSite();
  [system, browser] = await Promise.all([
    startSystem({ env: { CORS_ORIGINS: site.origin } }),
    launchChromium(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await system.stop();
  await site.close();
});
beforeEach(async () => {
  world = await createWorld(system, site);
});

it("converges two devices that changed different fields of a note offline", async () => {
  const ann = await openDevice(browser, world);
  const bob = await openDevice(browser, world, { account: "bob" });
  await ann.page.evaluate(() => app.create("n", { title: "Milk", body: "" }));
  await converged(world, ann.page, bob.page);
  for (const { context } of [ann, bob]) await context.setOffline(true);
  await ann.page.evaluate(() => app.update("n", { title: "Oat milk" }));
  await bob.page.evaluate(() => app.update("n", { body: "two" }));
  for (const { context } of [ann, bob]) await context.setOffline(false);
  expect(await converged(world, ann.page, bob.page)).toEqual({
    n: { id: "n", title: "Oat milk", body: "two" },
  });
  for (const { context } of [ann, bob]) await context.close();
});

it("converges two devices that changed the same field offline", async () => {
  const ann = await openDevice(browser, world);
  const bob = await openDevice(browser, world, { account: "bob" });
  await ann.page.evaluate(() => app.create("n", { title: "Milk", body: "" }));
  await converged(world, ann.page, bob.page);
  for (const { context } of [ann, bob]) await context.setOffline(true);
  await ann.page.evaluate(() => app.update("n", { title: "Oat milk" }));
  await bob.page.evaluate(() => app.update("n", { title: "Soy milk" }));
  await ann.context.setOffline(false);
  await converged(world, ann.page);
  await bob.context.setOffline(false);
  const { n } = await converged(world, ann.page, bob.page);
  expect(["Oat milk", "Soy milk"]).toContain(n?.["title"]);
  for (const { context } of [ann, bob]) await context.close();
});

it("loses no edit when its page is loaded anew in the middle of a sync", async () => {
  const { context, page } = await openDevice(browser, world, { sync: { batchOperationsMax: 10 } });
  for (let round = 0; round < 5; round += 1) {
    await page.evaluate(async (from) => {
      for (let n = from; n < from + 20; n += 1) await app.create(`n${n}`, { title: `${n}`, body: "" });
    }, round * 20);
    await eventually(async () => {
      if ((await page.evaluate(() => app.status().sending)) === 0) throw new Error("no batch is under way");
    });
    await loadApp(page, world, { sync: { batchOperationsMax: 10 } });
  }
  expect(Object.keys(await converged(world, page))).toHaveLength(100);
  const { body } = await world.server.get<{ changes: { version: number }[] }>("/changes?limit=1000");
  expect(body.changes.map(({ version }) => version)).toEqual(Array(100).fill(1));
  await context.close();
});

it("sends everything once the server, killed in the middle of a batch, is back", async () => {
  const { context, page } = await openDevice(browser, world);
  await page.evaluate(() => app.create("first", { title: "", body: "" }));
  await converged(world, page);
  const written = page.evaluate(async () => {
    for (let n = 0; n < 50; n += 1) await app.create(`n${n}`, { title: `${n}`, body: "" });
  });
  await system.syncline.ingest.kill("SIGKILL");
  await written;
  await system.syncline.ingest.start();
  expect(Object.keys(await converged(world, page))).toHaveLength(51);
  await context.close();
});

it("asks for a new token when one expires in the middle of a sync", async () => {
  const { context, page } = await openDevice(browser, world, { tokenLasts: "2 seconds" });
  const until = Date.now() + 6_000;
  let count = 0;
  while (Date.now() < until) {
    await page.evaluate((n) => app.create(`n${n}`, { title: "", body: "" }), count);
    count += 1;
    await converged(world, page);
  }
  expect(Object.keys(await converged(world, page))).toHaveLength(count);
  await context.close();
});

it("loses none of 100 queued edits when all processes of the browser are killed", async () => {
  const profile = mkdtempSync(join(tmpdir(), "syncline-chromium-"));
  const contextOf = ({ browser }: { browser: Browser }) => {
    const [context] = browser.contexts();
    if (context === undefined) throw new Error("the browser has no context");
    return context;
  };
  const first = await launchKillableChromium(profile);
  const page = await openApp(contextOf(first), world);
  await contextOf(first).setOffline(true);
  await page.evaluate(async () => {
    for (let n = 0; n < 100; n += 1) await app.create(`n${n}`, { title: `${n}`, body: "" });
  });
  expect(await page.evaluate(() => app.status().pending)).toBe(100);
  await first.kill();

  const second = await launchKillableChromium(profile);
  const again = await openApp(contextOf(second), world);
  expect(Object.keys(await converged(world, again))).toHaveLength(100);
  await second.browser.close();
  await second.kill();
  rmSync(profile, { recursive: true });
});

it("notices within 40 s that its open stream is on a dead line", async () => {
  const proxy = await openTcpProxy(() => Number(new URL(system.syncline.ingestUrl).port));
  const { context, page } = await openDevice(browser, world, { url: `http://127.0.0.1:${proxy.port}` });
  await eventually(async () => {
    expect((await page.evaluate(() => app.status().pull)).phase).toBe("live");
  });
  proxy.setFault({ kind: "half-open" });
  const cutAtMs = Date.now();
  await world.server.post({
    operations: [
      {
        operation: "create",
        client_id: "1",
        collection: "notes",
        document_id: "n",
        data: { title: "", body: "" },
      },
    ],
  });
  await converged(world, page);
  const tookMs = Date.now() - cutAtMs;
  // The line is dead, and not only slow: the news came on another one.
  expect(proxy.harm().connections).toBeGreaterThan(0);
  expect(tookMs).toBeLessThan(40_000);
  await context.close();
  await proxy.close();
});
