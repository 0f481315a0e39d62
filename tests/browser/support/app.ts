import { randomUUID } from "node:crypto";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { SyncSettings } from "@syncline/client";
import type { JsonObject } from "@syncline/shared/document";
import { createClient, eventually, type Client, type System } from "../../support/system.ts";
import type { Site } from "./site.ts";

/** The server, the page, and a workspace of the test's own. */
export interface World {
  readonly system: System;
  readonly site: Site;
  readonly workspace: string;
  /** Reads and writes on the server as another device would. */
  readonly server: Client;
}

export async function createWorld(system: System, site: Site): Promise<World> {
  const workspace = randomUUID();
  return { system, site, workspace, server: await createClient(system, { workspaceId: workspace }) };
}

export interface OpenOptions {
  readonly account?: string;
  /** Default: ingest's own address. */
  readonly url?: string;
  readonly sync?: Partial<SyncSettings>;
  /** Default 1 hour. */
  readonly tokenLasts?: string;
}

/** Opens the app in a new browser context, which is a device of its own. */
export async function openDevice(browser: Browser, world: World, options: OpenOptions = {}) {
  const context = await browser.newContext();
  const page = await openApp(context, world, options);
  return { context, page };
}

/** Opens the app in a page: a tab of the context's device. */
export async function openApp(
  context: BrowserContext,
  world: World,
  options: OpenOptions = {},
): Promise<Page> {
  const page = await context.newPage();
  const { tokenLasts: expiresIn = "1 hour" } = options;
  await page.exposeFunction("askToken", (subject: string) =>
    world.system.syncline.token({ [world.workspace]: "writer" }, { subject, expiresIn }),
  );
  await loadApp(page, world, options);
  return page;
}

/** Loads the page, or loads it anew, and opens the app's client. */
export async function loadApp(page: Page, world: World, options: OpenOptions = {}): Promise<void> {
  const { account = "ann", url = world.system.syncline.ingestUrl, sync = {} } = options;
  await page.goto(world.site.origin);
  await page.evaluate((opened) => app.open(opened), { url, account, workspace: world.workspace, sync });
}

/** Waits until the page has sent everything and shows what the server has; returns that. */
export async function converged(world: World, ...pages: Page[]): Promise<Record<string, JsonObject>> {
  return eventually(async () => {
    const documents = await readDocuments(world);
    for (const page of pages) {
      const [view, { pending, heldBack }] = await page.evaluate(
        async () => [await app.list(), app.status()] as const,
      );
      if (pending > 0 || heldBack > 0) throw new Error(`${pending} pending, ${heldBack} held back`);
      if (JSON.stringify(sorted(view)) !== JSON.stringify(sorted(documents)))
        throw new Error(`${JSON.stringify(view)} is not ${JSON.stringify(documents)}`);
    }
    return documents;
  });
}

async function readDocuments({ server }: World): Promise<Record<string, JsonObject>> {
  const { body } = await server.get<{
    documents: { document_id: string; data: JsonObject }[];
    next?: string;
  }>("/documents/notes?limit=1000");
  return Object.fromEntries(body.documents.map(({ document_id: id, data }) => [id, data]));
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
