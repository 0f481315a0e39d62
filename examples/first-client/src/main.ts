// A to-do list for the terminal. Start it in two terminals: both show the same list, also after a time offline.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { collection, createClient, memoryStorage } from "@syncline/client";

interface Todo {
  title: string;
  done: boolean;
}

// `npm start` writes this file; an app would ask its own server for the token.
const server = JSON.parse(await readFile(process.env["DEV_FILE"] ?? ".syncline/dev.json", "utf8")) as {
  ingestUrl: string;
  token: string;
  workspaceId: string;
};

const client = createClient({
  url: server.ingestUrl,
  account: "dev", // the subject of the token
  token: () => Promise.resolve(server.token),
  storage: memoryStorage(),
  collections: { todos: collection<Todo>() },
});
const workspace = client.workspace(server.workspaceId);
const todos = workspace.collection("todos");
const list = todos.query({ orderBy: { title: "asc" } });

list.subscribe((items) => {
  const { pending, error } = workspace.status.get();
  console.log(`-- ${pending} to send${error ? `: ${error.message}` : ""}`);
  items.forEach(({ data, status }, index) => {
    const state = status === "synced" ? "" : ` (${status})`;
    console.log(`${index + 1}. [${data.done ? "x" : " "}] ${data.title}${state}`);
  });
});

const idAt = async (position: string) => (await list.get())[Number(position) - 1]?.id ?? position;

async function run(command: string, text: string): Promise<void> {
  if (command === "add") await todos.create({ title: text, done: false });
  else if (command === "done") await todos.update(await idAt(text), { done: true });
  else if (command === "remove") await todos.delete(await idAt(text));
  else console.log("add TITLE | done NUMBER | remove NUMBER");
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command = "", ...words] = line.trim().split(" ");
  await run(command, words.join(" ")).catch((error: unknown) => console.log(String(error)));
}
await client.syncNow();
await client.stop();
