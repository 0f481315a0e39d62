import { afterAll, beforeAll, expect, it } from "vitest";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "./support/chromium.ts";
import { serveSite, type Site } from "./support/site.ts";

let site: Site;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  [site, browser] = await Promise.all([serveSite(), launchChromium()]);
  page = await browser.newPage();
  await page.goto(site.origin);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

it("passes each conformance test of storages in Chromium", async () => {
  const names = await page.evaluate(() => app.storageTestNames());
  expect(names.length).toBeGreaterThan(20);
  const failures: string[] = [];
  for (const name of names)
    await page
      .evaluate((test) => app.runStorageTest(test), name)
      .catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
  expect(failures).toEqual([]);
});
