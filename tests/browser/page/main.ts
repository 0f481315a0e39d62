// The app in the page: tests call it as `app` through the browser.
import { collection, createClient, type Client, type SyncSettings } from "@syncline/client";
import { indexedDbStorage } from "@syncline/client/indexeddb";
import { storageTests } from "@syncline/client/testing/storages";

export interface Note {
  title: string;
  body: string;
  [member: string]: unknown;
}

export interface AppOptions {
  readonly url: string;
  readonly account: string;
  readonly workspace: string;
  readonly sync?: Partial<SyncSettings>;
}

declare global {
  var app: typeof page;
  /** Asks the test for a token of the account. */
  function askToken(account: string): Promise<string>;
}

const collections = { notes: collection<Note>() };

let client: Client<typeof collections>;
let workspaceId: string;
const workspace = () => client.workspace(workspaceId);
const notes = () => workspace().collection("notes");

const page = {
  /** Creates the client, and waits until its storage is open. */
  async open({ url, account, workspace, sync = {} }: AppOptions): Promise<void> {
    workspaceId = workspace;
    client = createClient({
      url,
      account,
      token: () => askToken(account),
      storage: indexedDbStorage(),
      collections,
      sync,
    });
    await client.ready;
  },
  async create(id: string, note: Note): Promise<void> {
    await notes().create({ id, ...note });
  },
  async update(id: string, change: Partial<Note>): Promise<void> {
    await notes().update(id, change);
  },
  async list(): Promise<Record<string, Note>> {
    const snapshots = await notes().query().get();
    return Object.fromEntries(snapshots.map(({ id, data }) => [id, data]));
  },
  status: () => workspace().status.get(),
  outcomes: () => workspace().outcomes.get(),
  stop: () => client.stop(),

  storageTestNames: () => storageTests(createHarness).map(({ name }) => name),
  async runStorageTest(name: string): Promise<void> {
    await storageTests(createHarness)
      .find((test) => test.name === name)
      ?.run();
  },
};
globalThis.app = page;

/** A device of a storage test: its databases have a prefix of their own. */
function createHarness() {
  const prefix = `${crypto.randomUUID()}:`;
  return {
    connect() {
      const storage = indexedDbStorage();
      const open = storage.open.bind(storage);
      storage.open = (name, layout) => open(prefix + name, layout);
      return storage;
    },
    async dispose() {
      for (const { name } of await indexedDB.databases())
        if (name?.startsWith(prefix)) indexedDB.deleteDatabase(name);
    },
  };
}
